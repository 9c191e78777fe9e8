"""What can be done in one pane of files; what concerns both is the screen's."""

from __future__ import annotations

from tui.actions import Action

_GROUP = "Files"

ACTIONS = (
    Action("files.open", "enter,right,l", "open", "Open the directory, or look into the file.", _GROUP, "files"),
    Action("files.go_up", "backspace,left,h", "up", "Go to the directory above.", _GROUP, "files", rank=7),
    Action("files.filter", "slash", "filter", "Show only names that hold a text.", _GROUP, "files", rank=8),
    Action("files.hidden", "full_stop", "hidden files", "Show names that start with a dot, or not.", _GROUP, "files"),
    Action("files.sort", "s", "sort", "Sort by name, by size, by time, by kind.", _GROUP, "files"),
    Action("files.turn_round", "S", "sort round", "Sort the other way round.", _GROUP, "files"),
    Action("files.sizes", "z", "sizes", "Add up what the chosen directories take; again stops it.", _GROUP, "files"),
    Action("files.reload", "r", "reload", "Read the directory anew.", _GROUP, "files"),
    Action("files.clear", "escape", "clear", "Take the filter away, then the choice.", _GROUP, "files", palette=False),
)
