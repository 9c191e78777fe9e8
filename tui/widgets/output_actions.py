"""What can be done in an output view."""

from __future__ import annotations

from tui.actions import Action

GROUP = "Output"

OUTPUT_ACTIONS = (
    Action("output.search", "slash", "search", "Look for a text in the output.", GROUP, "output", rank=1),
    Action("output.next", "n", "next match", "Go to the next line that holds the text.", GROUP, "output"),
    Action("output.previous", "N", "previous match", "Go to the previous line that holds the text.", GROUP, "output"),
    Action("output.filter", "ampersand", "filter", "Show only lines that hold a text.", GROUP, "output", rank=4),
    Action(
        "output.follow", "f,end,G", "follow", "Go to the end and stay there.", GROUP, "output", rank=5, key_display="f"
    ),
    Action("output.wrap", "w", "wrap", "Wrap long lines, or cut them at the edge.", GROUP, "output"),
    Action("output.copy", "y", "copy", "Copy what is selected, or what is in view.", GROUP, "output", rank=6),
    Action("output.save", "s", "save", "Save the whole output to a file, as it came.", GROUP, "output", rank=7),
    Action("output.line_up", "up,k", "up", "One line up.", GROUP, "output", palette=False),
    Action("output.line_down", "down,j", "down", "One line down.", GROUP, "output", palette=False),
    Action("output.page_up", "pageup,b", "page up", "One page up.", GROUP, "output", palette=False),
    Action("output.page_down", "pagedown,space", "page down", "One page down.", GROUP, "output", palette=False),
    Action("output.top", "home,g", "top", "Go to the oldest line.", GROUP, "output"),
    Action("output.left", "left,h", "left", "Move sideways along long lines.", GROUP, "output", palette=False),
    Action("output.right", "right,l", "right", "Move sideways along long lines.", GROUP, "output", palette=False),
)
