"""Modes, resets and reports: esctest2's DA, DA2, DECDSR, DECID, DECRQM, DECRQSS, DECSET, DECSTBM, DECSTR, DSR, RIS, RM,
SM, XtermSave and XtermWinops."""

from __future__ import annotations

from tests.unit.commands.terminals.conformance.case import Case

SMALL = (10, 8)


def modifiable(name: str, mode: str) -> Case:
    """A mode that can be set and reset, and says so. `mode` is its number, with ? before it where it is private."""
    private, number = ("?", mode[1:]) if mode.startswith("?") else ("", mode)
    ask = f"␛[{private}{number}$p"
    return Case(
        f"DECRQM_{name}",
        f"␛[{private}{number}l{ask}␛[{private}{number}h{ask}␛[{private}{number}l{ask}",
        answer="".join(f"␛[{private}{number};{state}$y" for state in (2, 1, 2)),
    )


def never_set(name: str, mode: int) -> Case:
    return Case(f"DECRQM_ANSI_{name}", f"␛[{mode}$p", answer=f"␛[{mode};4$y")


def switched(name: str, mode: int, *, cleared: bool, restored: bool) -> Case:
    """To the alternate screen, where something is written, back, and to it again."""
    there_and_back = f"abc\r\nabc␛[?{mode}h␛[6n␛[2J␛[2;1Hdef\r\ndef␛[?{mode}l␛[6n"
    return Case(
        f"DECSET_{name}",
        f"{there_and_back}␛[?{mode}h",
        "" if cleared else "|def|def",
        answer="␛[2;4R" + ("␛[2;4R" if restored else "␛[3;4R"),
    )


CASES = [
    Case("DA_NoParameter", "␛[c", answer="␛[?62;22;52c"),
    Case("DA_0", "␛[0c", answer="␛[?62;22;52c"),
    Case("DA2_NoParameter", "␛[>c", answer="␛[>1;300;0c"),
    Case("DA2_0", "␛[>0c", answer="␛[>1;300;0c"),
    Case("DECID_Basic", "␛Z", answer="␛[?62;22;52c"),
    Case("DSR_Status", "␛[5n", answer="␛[0n"),
    Case("DSR_CursorPosition", "␛[6;5H␛[6n", answer="␛[6;5R"),
    Case("DECDSR_DECXCPR", "␛[6;5H␛[?6n", answer="␛[?6;5R"),
    Case("DECDSR_DSRPrinterPort", "␛[?15n", answer="␛[?13n"),
    Case("DECDSR_DSRUDKLocked", "␛[?25n", answer="␛[?20n"),
    Case("DECDSR_DSRKeyboard", "␛[?26n", answer="␛[?27;1n"),
    Case("DECDSR_DSRXtermLocatorStatus", "␛[?55n", answer="␛[?50n"),
    Case("DECDSR_DSRDECLocatorStatus", "␛[?53n", answer="␛[?50n"),
    modifiable("ANSI_IRM", "4"),
    modifiable("ANSI_LNM", "20"),
    modifiable("ANSI_KAM", "2"),
    never_set("GATM", 1),
    never_set("SRTM", 5),
    never_set("VEM", 7),
    never_set("HEM", 10),
    never_set("PUM", 11),
    never_set("FEAM", 13),
    never_set("FETM", 14),
    never_set("MATM", 15),
    never_set("TTM", 16),
    never_set("SATM", 17),
    never_set("TSM", 18),
    never_set("EBM", 19),
    modifiable("DEC_DECCKM", "?1"),
    modifiable("DEC_DECSCLM", "?4"),
    modifiable("DEC_DECSCNM", "?5"),
    modifiable("DEC_DECOM", "?6"),
    modifiable("DEC_DECAWM", "?7"),
    modifiable("DEC_DECTCEM", "?25"),
    modifiable("DEC_DECNKM", "?66"),
    modifiable("DEC_DECBKM", "?67"),
    Case("DECRQSS_DECSTBM", "␛[5;6r␛P$qr␛\\", answer="␛P1$r5;6r␛\\"),
    Case("DECRQSS_SGR", "␛[1m␛P$qm␛\\", answer="␛P1$r0;1m␛\\"),
    Case("DECRQSS_DECSCUSR", "␛[4 q␛P$q q␛\\", answer="␛P1$r4 q␛\\"),
    Case("DECRQSS_DECSCA", '␛[1"q␛P$q"q␛\\', answer='␛P1$r1"q␛\\'),
    Case("DECSET_DECOM", "␛[5;7r␛[?6h␛[1;1HX␛[r", "||||X"),
    Case("DECSET_DECOM_SoftReset", "␛[5;7r␛[?6h␛[!p␛[1G␛[1dX", "X"),
    Case("DECSET_DECAWM", "␛[1;9H␛[?7habc␛[1;9H␛[?7lABC", "        AC|c", size=SMALL),
    Case(
        "DECSET_DECAWM_CursorAtRightMargin",
        "␛[?7hxxxxxxxx␛[6nx␛[6nx␛[6nx␛[6n",
        answer="␛[1;9R␛[1;10R␛[1;10R␛[2;2R",
        size=SMALL,
    ),
    Case("DECSET_DECAWM_TabDoesNotWrapAround", "␛[?7h" + "\t" * 12 + "␛[6nX", " " * 79 + "X", answer="␛[1;80R"),
    Case("DECSET_MoreFix_Off", "\r\nxxxxxxxxxx\t␛[6n2", "|xxxxxxxxxx|2", answer="␛[2;10R", size=SMALL),
    Case("DECSET_ReverseWraparound_BS", "␛[?1045h␛[?7h␛[2;1H\b", cursor=(80, 1)),
    Case("DECSET_ReverseWraparoundLastCol_BS", "␛[?1045h␛[?7h␛[1;79Hab\b", cursor=(80, 1)),
    Case("DECSET_ReverseWraparound_Multi", "␛[1;79Habcd␛[?1045h␛[?7h␛[4D", cursor=(79, 1)),
    Case("DECSET_ResetReverseWraparoundDisablesIt", "␛[?1045l␛[?7h␛[2;1H\b", cursor=(1, 2)),
    Case("DECSET_ReverseWraparound_RequiresDECAWM", "␛[2;1H␛[?1045h␛[?7l\b", cursor=(1, 2)),
    switched("ALTBUF", 47, cleared=False, restored=False),
    switched("OPT_ALTBUF", 1047, cleared=True, restored=False),
    switched("OPT_ALTBUF_CURSOR", 1049, cleared=True, restored=True),
    Case("DECSET_SaveRestoreCursor", "␛[3;2H␛[?1048h␛[5;5H␛[?1048l", cursor=(2, 3)),
    Case("DECSTBM_ScrollsOnNewline", "␛[2;3r␛[2;1H1\r\n2\r\n", "|2", cursor=(1, 3)),
    Case("DECSTBM_NewlineBelowRegion", "␛[2;3r␛[2;1H1\r\n2␛[4;1H\r\n", "|1|2"),
    Case("DECSTBM_MovsCursorToOrigin", "␛[2;3H␛[2;3r", cursor=(1, 1)),
    Case("DECSTBM_TopBelowBottom", "␛[3;3r1\r\n2\r\n3\r\n4\n", "2|3|4", size=(10, 4)),
    Case("DECSTBM_DefaultRestores", "␛[2;3r␛[2;1H1\r\n2␛[r␛[3;2H\r\n", "|1|2", cursor=(1, 4)),
    Case(
        "DECSTBM_CursorBelowRegionAtBottomTriesToScroll",
        "␛[2;3r␛[2;1H1\r\n2␛[8;1H3\r\n",
        "|1|2|||||3",
        cursor=(1, 8),
        size=SMALL,
    ),
    Case("DECSTBM_MaxSizeOfRegionIsPageSize", "␛[2;1Hx␛[1;18r␛[8;1H\r\n", "x", cursor=(1, 8), size=SMALL),
    Case("DECSTBM_TopOfZeroIsTopOfScreen", "␛[0;3r␛[2;1H1\r\n2\r\n3\r\n4", "2|3|4"),
    Case("DECSTBM_BottomOfZeroIsBottomOfScreen", "␛[3;1Hx␛[2;0r␛[8;1H\r\n", "|x", cursor=(1, 8), size=SMALL),
    Case("DECSTR_DECSC", "␛[6;5H␛7␛[!p␛8", cursor=(1, 1)),
    Case("DECSTR_IRM", "␛[4h␛[!p␛[1;1Ha␛[1;1Hb", "b"),
    Case("DECSTR_DECOM", "␛[3;4r␛[?6h␛[!p␛[4;5r␛[1;1HX␛[?6l␛[r", "X"),
    Case("DECSTR_DECAWM", "␛[?7h␛[!p␛[1;9Hxxx", cursor=(2, 2), size=SMALL),
    Case("DECSTR_ReverseWraparound", "␛[?1045h␛[!p␛[2;1H\b", cursor=(1, 2)),
    Case("DECSTR_STBM", "␛[3;4r␛[!p␛[4;1H\r\n", cursor=(1, 5)),
    Case("DECSTR_DECSCA", '␛[1"q␛[!p␛[1;1HX␛[?2J', ""),
    Case("DECSTR_DECRLM", "␛[?34h␛[!p␛[1;2Hab", " ab"),
    Case("DECSTR_CursorStaysPut", "␛[6;5H␛[!p", cursor=(5, 6)),
    Case("RIS_ClearsScreen", "x␛c", ""),
    Case("RIS_CursorToOrigin", "␛[6;5H␛c", cursor=(1, 1)),
    Case("RIS_ResetTabs", "␛H␛[C␛H␛[C␛H␛c\t", cursor=(9, 1)),
    Case("RIS_ExitAltScreen", "m␛[?47h␛[1;1Ha␛c␛[?47h", ""),
    Case("RIS_ResetDECOM", "␛[5;7r␛[?6h␛c␛[1;1HX␛[r", "X"),
    Case("RIS_RemoveMargins", "␛[4;6r␛c␛[4;3H␛[A␛[6n␛[6;5H␛[B␛[6n", answer="␛[3;3R␛[7;5R"),
    Case("SM_IRM", "abc␛[1;1H␛[4hX", "Xabc"),
    Case(
        "SM_IRM_DoesNotWrapUnlessCursorAtMargin",
        "aaaaaaaaab␛[1;1H␛[4hX␛[1;10HYZ",
        "XaaaaaaaaY|Z",
        size=SMALL,
    ),
    Case("SM_LNM", "␛[20l␛[1;5H\n␛[6n␛[20h␛[1;5H\n␛[6n␛[1;5H\v␛[6n␛[1;5H\f␛[6n", answer="␛[2;5R" + "␛[2;1R" * 3),
    Case("RM_IRM", "␛[4habc␛[1;1HX␛[4l␛[1;1HY", "Yabc"),
    Case("XtermSave_SaveSetState", "␛[?7h␛[?7s␛[?7l␛[?7r␛[1;9Hxxx", cursor=(2, 2), size=SMALL),
    Case("XtermSave_SaveResetState", "␛[?7l␛[?7s␛[?7h␛[?7r␛[1;9Hxxx", cursor=(10, 1), size=SMALL),
    Case("XtermWinops_ReportTextAreaSize", "␛[18t", answer="␛[8;24;80t"),
    Case("XtermWinops_ReportState", "␛[11t", answer="␛[1t"),
]
