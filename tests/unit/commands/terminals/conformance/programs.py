"""What the programs of today rely on beyond esctest2: "XTerm Control Sequences" (ctlseqs), vttest's menus, the terminfo
entry xterm-256color, DEC STD 070, and Unicode."""

from __future__ import annotations

from backend.commands.terminals.emulator import PLAIN, Look
from tests.unit.commands.terminals.conformance.case import Case

SMALL = (10, 4)
FULL_LINE = "abcdefghij"
"""Of a small screen."""


def sgr(name: str, parameters: str, look: Look) -> Case:
    return Case(f"SGR_{name}", f"␛[{parameters}mx", "x", looks={(1, 1): look})


VTTEST = [
    Case("vttest_1_5_BackspaceInSequence", "A␛[2\bCB", "A B"),
    Case("vttest_1_5_ReturnInSequence", "AB␛[\r2CC", "ABC"),
    Case("vttest_1_5_VerticalTabInSequence", "A␛[1\vAB", "AB"),
    Case("vttest_1_6_LeadingZeros", "␛[00000000004;000000001Hx", "|||x"),
    Case("vttest_2_OriginModeSmallRegion", "␛[3;4r␛[?6h␛[1;1Ha\r\nb\r\nc", "||b|c", size=SMALL),
    Case("vttest_2_TabStops", "␛[3g␛[1;3H␛H␛[1;6H␛H\r\t*\t*", "  *  *"),
    Case("vttest_3_DrawingCharacters", "␛(0lqk␛(Bx", "┌─┐x"),
    Case("vttest_3_ShiftOutAndIn", "␛)0a\x0eq\x0fq", "a─q"),
    Case("vttest_3_LockingShift2", "␛*0␛nq\x0fq", "─q"),
    Case("vttest_3_British", "␛(A#␛(B#", "£#"),
    Case("vttest_3_AllDrawingCharacters", "␛(0`afgjklmnopqrstuvwxyz{|}~", "◆▒°±┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"),
    Case("vttest_6_2_DeviceStatus", "␛[0n␛[5n", answer="␛[0n"),
    Case("vttest_6_6_TerminalParameters", "␛[x␛[1x", answer="␛[2;1;1;128;128;1;0x␛[3;1;1;128;128;1;0x"),
    Case("vttest_8_InsertMode", "ABxE␛[1;3H␛[4hCD␛[4l", "ABCDxE"),
    Case("vttest_11_1_CursorForwardTab", "␛[2Ix", " " * 16 + "x"),
    Case("DECSTD070_SavedCharsets", "␛(0␛7␛(B␛8q", "─"),
]

SGR = [
    sgr("None", "", PLAIN),
    sgr("AllAttributes", "1;2;3;4;5;7;8;9", Look(None, None, True, True, True, True, True, True, True, True)),
    sgr("AttributesOff", "1;2;3;4;5;7;8;9;22;23;24;25;27;28;29", PLAIN),
    sgr("ResetInTheMiddle", "1;31;0;4", Look(underline=True)),
    sgr("EmptyIsReset", "1;;4", Look(underline=True)),
    sgr("TwiceUnderlined", "21", Look(underline=True)),
    sgr("CurlyUnderline", "4:3", Look(underline=True)),
    sgr("NoUnderlineByStyle", "4;4:0", PLAIN),
    sgr("Foreground", "31", Look(foreground=1)),
    sgr("Background", "47", Look(background=7)),
    sgr("BrightForeground", "94", Look(foreground=12)),
    sgr("BrightBackground", "107", Look(background=15)),
    sgr("DefaultColours", "31;42;39;49", PLAIN),
    sgr("Palette", "38;5;208;48;5;17", Look(208, 17)),
    sgr("PaletteColons", "38:5:208;1", Look(208, bold=True)),
    sgr("TrueColour", "38;2;1;2;3;48;2;4;5;6", Look((1, 2, 3), (4, 5, 6))),
    sgr("TrueColourColons", "38:2:1:2:3", Look((1, 2, 3))),
    sgr("TrueColourColonsWithSpace", "38:2::1:2:3;48:2:0:4:5:6", Look((1, 2, 3), (4, 5, 6))),
    sgr("UnderlineColourIsReadOver", "58;5;9;4", Look(underline=True)),
    sgr("UnderlineColourColonsIsReadOver", "58:2::1:2:3;1", Look(bold=True)),
    sgr("IncompleteColour", "38;5", PLAIN),
    sgr("ColourOutOfRange", "38;5;300;1", Look(bold=True)),
    sgr("Unknown", "53;73;99;10", PLAIN),
    sgr("ModifyOtherKeysIsNone", ">4;2", PLAIN),
    sgr("KeyModifierQueryIsNone", "?4", PLAIN),
    Case("BCE_EraseInLine", "␛[41mab␛[K", "ab", looks={(1, 1): Look(None, 1), (9, 1): Look(None, 1)}),
    Case("BCE_ErasedIsNotUnderlined", "␛[4;41mab␛[K", "ab", looks={(9, 1): Look(None, 1)}),
    Case("BCE_Scrolled", "␛[4;1H␛[41m\n", "", looks={(5, 4): Look(None, 1)}, size=SMALL),
    Case("BCE_InsertedCharacters", "ab␛[1;1H␛[41m␛[@", " ab", looks={(1, 1): Look(None, 1), (2, 1): PLAIN}),
]

WRAPPING = [
    Case("Wrap_WaitsForTheNextCharacter", FULL_LINE, FULL_LINE, cursor=(10, 1), size=SMALL),
    Case("Wrap_AndThen", FULL_LINE + "X", FULL_LINE + "|X", cursor=(2, 2), size=SMALL),
    Case("Wrap_NotAfterReturn", FULL_LINE + "\r\nX", FULL_LINE + "|X", size=SMALL),
    Case("Wrap_NotAfterLineFeed", FULL_LINE + "\nX", FULL_LINE + "|         X", size=SMALL),
    Case("Wrap_AfterAttributes", FULL_LINE + "␛[1mX", FULL_LINE + "|X", size=SMALL),
    Case("Wrap_NotAfterMovement", FULL_LINE + "␛[1;10HX", "abcdefghiX", size=SMALL),
    Case("Wrap_NotAfterErasure", FULL_LINE + "␛[KX", "abcdefghiX", size=SMALL),
    Case("Wrap_IsSaved", FULL_LINE + "␛7␛[1;1H␛8X", FULL_LINE + "|X", size=SMALL),
    Case("Wrap_ScrollsAtTheBottom", "␛[4;1H" + FULL_LINE + "X", "||" + FULL_LINE + "|X", size=SMALL),
    Case("Wrap_InRegion", "␛[2;3r␛[3;1H" + FULL_LINE + "X", "|" + FULL_LINE + "|X", size=SMALL),
    Case("Wrap_BackFromAboveTheMargins", "␛[?1045h␛[2;3r␛[1;1H\b", cursor=(10, 4), size=SMALL),
    Case("Wrap_ALongText", "a" * 25, "a" * 10 + "|" + "a" * 10 + "|aaaaa", cursor=(6, 3), size=SMALL),
    Case("Wrap_Off", "␛[?7l" + "abcdefghijklm", "abcdefghim", cursor=(10, 1), size=SMALL),
]

UNICODE = [
    Case("Wide_TakesTwoColumns", "漢x", "漢x", cursor=(4, 1)),
    Case("Wide_WrapsAtTheMargin", "abcdefghi漢", "abcdefghi|漢", cursor=(3, 2), size=SMALL),
    Case("Wide_EndsALine", "abcdefgh漢x", "abcdefgh漢|x", size=SMALL),
    Case("Wide_DoesNotWrapWhereNothingDoes", "␛[?7labcdefghi漢", "abcdefgh漢", cursor=(10, 1), size=SMALL),
    Case("Wide_LeftHalfOverwritten", "漢␛[1;1Hx", "x"),
    Case("Wide_RightHalfOverwritten", "漢␛[1;2Hx", " x"),
    Case("Wide_OverTwoHalves", "漢字␛[1;2H語", " 語"),
    Case("Wide_HalfErased", "漢x␛[1;2H␛[X", "  x"),
    Case("Wide_HalfDeleted", "漢b␛[1;1H␛[P", " b"),
    Case("Wide_InsertedBetweenHalves", "a漢b␛[1;3H␛[@", "a   b"),
    Case("Wide_PushedOverTheMargin", "abcdefgh漢␛[1;1H␛[@", " abcdefgh", size=SMALL),
    Case("Wide_OnOneColumn", "漢", "\ufffd", size=(1, 1)),
    Case("Wide_Emoji", "😀x", "😀x", cursor=(4, 1)),
    Case("Wide_Repeated", "漢␛[2b", "漢漢漢", cursor=(7, 1)),
    Case("Combining_Joins", "e\u0301x", "e\u0301x", cursor=(3, 1)),
    Case("Combining_JoinsAWideOne", "漢\u0301x", "漢\u0301x", cursor=(4, 1)),
    Case("Combining_JoinsAWideOneLater", "漢␛[1m\u0301x", "漢\u0301x", cursor=(4, 1)),
    Case("Combining_WithoutEndLater", "e" + "␛[m\u0301" * 99 + "x", "e" + "\u0301" * 15 + "x", cursor=(3, 1)),
    Case("Hangul_VowelsAndFinalsJoin", "\u1112\u1161\u11abx", "\u1112\u1161\u11abx", cursor=(4, 1)),
    Case("Combining_AtTheMargin", "abcdefghie\u0301x", "abcdefghie\u0301|x", size=SMALL),
    Case("Combining_AfterNothing", "\u0301x", "x"),
    Case("Combining_WithoutEnd", "e" + "\u0301" * 99 + "x", "e" + "\u0301" * 15 + "x", cursor=(3, 1)),
    Case("ZeroWidthJoiner_Joins", "क्\u200dष", "क्\u200dष"),
    Case("Bidirectional_ControlsAreLeftOut", "a\u202eb\u2066c", "abc", cursor=(4, 1)),
    Case("UTF8_Invalid", "a\udcffb", "a\ufffdb"),
    Case("UTF8_CutShort", "\udce6\udcbcx", "\ufffdx"),
    Case("UTF8_Overlong", "\udcc0\udc80x", "\ufffd\ufffdx"),
    Case("UTF8_Surrogate", "\udced\udca0\udc80x", "\ufffd\ufffd\ufffdx"),
    Case("C1_IsNoText", "a\u009bb", "ab"),
    Case("NulAndDelete_AreNothing", "a\x00b\x7fc", "abc"),
]

STRINGS = [
    Case("Parser_CancelEndsASequence", "␛[1\x18mx", "mx"),
    Case("Parser_SubstituteEndsASequence", "␛[1\x1amx", "mx"),
    Case("Parser_EscapeBeginsAnew", "␛[3␛[2;2Hx", "| x"),
    Case("Parser_CancelEndsAString", "␛]2;abc\x18x", "x"),
    Case("Parser_EscapeEndsAString", "␛]2;abc␛[2;2Hx", "| x"),
    Case("Parser_UnknownSequence", "␛[5%q␛[1;2;3{␛[?5$|x", "x"),
    Case("Parser_PrefixInTheMiddle", "␛[1?hx", "x"),
    Case("Parser_UnknownEscape", "␛%G␛ F␛=␛>␛lx", "x"),
    Case("Parser_TooManyParameters", "␛[" + "1;" * 999 + "mx", "x", looks={(1, 1): PLAIN}),
    Case("Parser_HugeNumber", "␛[99999999999999999999Cx", " " * 9 + "x", size=SMALL),
    Case("Parser_HugeCount", "ab␛[4294967295@␛[4294967295b", "bbbbbbbbbb|bbbbbbbbbb|bbbbbbbbbb|bb", size=SMALL),
    Case("KittyKeyboard_IsNotRestoreCursor", "ab␛7␛[3;3H␛[>1u␛[?u␛[=1;1u␛[<ux", "ab||  x", answer=""),
    Case("OSC_TitleWithBell", "␛]2;title\ax", "x"),
    Case("OSC_TitleWithTerminator", "␛]0;title␛\\x", "x"),
    Case("OSC_LinkIsItsText", "␛]8;id=1;http://host/\alink␛]8;;\a", "link"),
    Case("OSC_ColourQuestions", "␛]4;1;?\a␛]10;?\a␛]11;?␛\\x", "x", answer=""),
    Case("OSC_ClipboardQuestion", "␛]52;c;?\ax", "x", answer=""),
    Case("OSC_Unknown", "␛]1337;File=name=x:AAAA\a␛]9;4;1;50\ax", "x", answer=""),
    Case("DCS_Sixel", "␛Pq#0;2;0;0;0#0~~@@␛\\x", "x"),
    Case("DCS_Tmux", "␛Ptmux;␛␛]52;c;AAAA\a␛\\x"),
]

REPORTS = [
    Case("XTVERSION", "␛[>q␛[>0q", answer="␛P>|Fairlead␛\\" * 2),
    Case("XTGETTCAP", "␛P+q544e␛\\", answer="␛P0+r␛\\"),
    Case("DA3", "␛[=c", answer="␛P!|00000000␛\\"),
    Case("DECRQSS_Unknown", "␛P$qz␛\\", answer="␛P0$r␛\\"),
    Case("DECRQSS_SGR_Colours", "␛[1;31;48;5;99m␛P$qm␛\\", answer="␛P1$r0;1;31;48:5:99m␛\\"),
    Case("DECRQSS_SGR_BrightAndTrueColours", "␛[97;48;2;1;2;3m␛P$qm␛\\", answer="␛P1$r0;97;48:2::1:2:3m␛\\"),
    Case("DECRQSS_DECSCL", '␛P$q"p␛\\', answer='␛P1$r62;1"p␛\\'),
    Case("DECRQM_Unknown", "␛[?9999$p␛[99$p", answer="␛[?9999;0$y␛[99;0$y"),
    Case("DECRQM_Pixels", "␛[?1016$p", answer="␛[?1016;0$y"),
    Case("DECRQM_Synchronised", "␛[?2026$p␛[?2026h␛[?2026$p", answer="␛[?2026;2$y␛[?2026;1$y"),
    Case("DECRQM_Alternate", "␛[?1049h␛[?1049$p␛[?1049l␛[?1049$p", answer="␛[?1049;1$y␛[?1049;2$y"),
    Case("DECRQM_MiceReplaceEachOther", "␛[?1003h␛[?1000h␛[?1003$p␛[?1000$p", answer="␛[?1003;2$y␛[?1000;1$y"),
    Case("CPR_InOriginMode", "␛[3;4r␛[?6h␛[6n", answer="␛[1;1R"),
    Case("CPR_WaitingToWrap", FULL_LINE + "␛[6n", answer="␛[1;10R", size=SMALL),
    Case("XTWINOPS_TitleIsNotTold", "␛]2;rm -rf\a␛[21t␛[20t", answer="␛]l␛\\␛]L␛\\"),
    Case("ENQ_IsNotAnswered", "\x05", "", answer=""),
    Case("XTSMGRAPHICS_IsNotAnswered", "␛[?1;1;0S", "", answer=""),
]

PAGES = [
    Case("Alternate_1049_ComesBack", "ab␛[?1049h␛[5;5Hx␛[?1049ly", "aby"),
    Case("Alternate_1049_IsEmpty", "␛[?47hold␛[?47l␛[?1049h", ""),
    Case("Alternate_47_Keeps", "ab␛[?47hcd␛[?47l␛[?47h", "  cd"),
    Case("Alternate_1049_Twice", "ab␛[?1049hx␛[?1049h␛[?1049lc", "abc"),
    Case("Reset_LeavesTheAlternateScreen", "ab␛[?1049hxx␛c", "", cursor=(1, 1)),
]

CASES = [*VTTEST, *SGR, *WRAPPING, *UNICODE, *STRINGS, *REPORTS, *PAGES]
