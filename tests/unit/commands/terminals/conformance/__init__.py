"""What a terminal must do, as tables: sequences in; screen, cursor and answers out.

Each table says where its cases come from. Those of esctest2 (Thomas Dickey's and George Nachman's tests of xterm) keep
their names; what needs left and right margins, rectangles or 8-bit controls is that of a VT420 and left out.
"""
