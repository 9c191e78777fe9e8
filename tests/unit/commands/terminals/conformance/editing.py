"""What stands on the screen: esctest2's APC, DCH, DCS, DECALN, DECSED, DECSEL, DL, ECH, ED, EL, ICH, IL, PM, REP, SD,
SGR, SOS and SU."""

from __future__ import annotations

from backend.commands.terminals.emulator import PLAIN, Look
from tests.unit.commands.terminals.conformance.case import Case

SMALL = (10, 8)
SPARSE = "␛[1;1Ha␛[3;1Hbcd␛[5;1He␛[3;2H"
"""The cursor is on the c."""
DENSE = "␛[1;1Habcde␛[2;1Hfghij␛[3;1Hklmno"
FIVE = "␛[1;1Habcde␛[2;1Hfghij␛[3;1Hklmno␛[4;1Hpqrst␛[5;1Huvwxy␛[2;3H"
LETTERS = "␛[1;1Habcdefghij␛[1;5H"
NUMBERED = "".join(f"␛[{row};1H{row:04}" for row in range(1, 9)) + "␛[2;1H"

CASES = [
    Case("APC_Basic", "␛_xyz␛\\A", "A"),
    Case("DCS_Unrecognized", "␛Pz0␛\\", ""),
    Case("PM_Basic", "␛^xyz␛\\A", "A"),
    Case("SOS_Basic", "␛Xxyz␛\\A", "A"),
    Case("DCH_DefaultParam", "abcd␛[1;2H␛[P", "acd"),
    Case("DCH_ExplicitParam", "abcd␛[1;2H␛[2P", "ad"),
    Case("DCH_WorksOutsideTopBottomMargin", "abcde␛[2;3r␛[1;1H␛[99P␛[r", ""),
    Case("DECALN_FillsScreen", "␛#8", "|".join(["E" * 10] * 8), size=SMALL),
    Case("DECALN_MovesCursorHome", "␛[5;5H␛#8", cursor=(1, 1)),
    Case("DECALN_ClearsMargins", "␛[4;5r␛#8␛[4;2H␛[A␛[6n␛[5;2H␛[B␛[6n", answer="␛[3;2R␛[6;2R"),
    Case("DECSED_Default", SPARSE + "␛[?J", "a||b"),
    Case("DECSED_0", SPARSE + "␛[?0J", "a||b"),
    Case("DECSED_1", SPARSE + "␛[?1J", "||  d||e"),
    Case("DECSED_2", SPARSE + "␛[?2J", ""),
    Case("DECSED_3", SPARSE + "␛[?3J", "a||bcd||e"),
    Case("DECSED_0_Protection", '␛[1"q' + SPARSE + '␛[0"q␛[5;2HX␛[3;2H␛[?0J', "a||bcd||e"),
    Case("DECSED_1_Protection", '␛[1"q' + SPARSE + '␛[0"q␛[1;2HX␛[3;2H␛[?1J', "a||bcd||e"),
    Case("DECSED_2_Protection", '␛[1"q' + SPARSE + '␛[0"q␛[1;2HX␛[?2J', "a||bcd||e"),
    Case("DECSEL_Default", LETTERS + "␛[?K", "abcd"),
    Case("DECSEL_0", LETTERS + "␛[?0K", "abcd"),
    Case("DECSEL_1", LETTERS + "␛[?1K", "     fghij"),
    Case("DECSEL_2", LETTERS + "␛[?2K", ""),
    Case("DECSEL_0_Protection", '␛[1"q' + LETTERS + '␛[0"q␛[1;10HX␛[1;5H␛[?0K', "abcdefghi"),
    Case("DL_DefaultParam", NUMBERED + "␛[M", "0001|0003|0004|0005|0006|0007|0008", size=SMALL),
    Case("DL_ExplicitParam", NUMBERED + "␛[2M", "0001|0004|0005|0006|0007|0008", size=SMALL),
    Case("DL_DeleteMoreThanVisible", NUMBERED + "␛[16M", "0001", size=SMALL),
    Case("DL_InScrollRegion", FIVE + "␛[2;4r␛[2;3H␛[M␛[r", "abcde|klmno|pqrst||uvwxy"),
    Case("DL_OutsideScrollRegion", FIVE + "␛[2;4r␛[1;3H␛[M␛[r", "abcde|fghij|klmno|pqrst|uvwxy"),
    Case("ECH_DefaultParam", "abc␛[1;1H␛[X", " bc"),
    Case("ECH_ExplicitParam", "abc␛[1;1H␛[2X", "  c"),
    Case("ECH_doesNotRespectDECPRotection", 'ab␛[1"qc␛[0"q␛[1;1H␛[3X', ""),
    Case("ED_Default", SPARSE + "␛[J", "a||b"),
    Case("ED_0", SPARSE + "␛[0J", "a||b"),
    Case("ED_1", SPARSE + "␛[1J", "||  d||e"),
    Case("ED_2", SPARSE + "␛[2J", ""),
    Case("ED_3", SPARSE + "␛[3J", "a||bcd||e"),
    Case("ED_0_WithScrollRegion", DENSE + "␛[2;3r␛[2;3H␛[0J␛[r", "abcde|fg"),
    Case("ED_1_WithScrollRegion", DENSE + "␛[2;3r␛[2;3H␛[1J␛[r", "|   ij|klmno"),
    Case("ED_2_WithScrollRegion", DENSE + "␛[2;3r␛[2;3H␛[2J␛[r", ""),
    Case("ED_doesNotRespectDECProtection", 'ab␛[1"qc␛[0"q␛[1;1H␛[0J', ""),
    Case("EL_Default", LETTERS + "␛[K", "abcd"),
    Case("EL_0", LETTERS + "␛[0K", "abcd"),
    Case("EL_1", LETTERS + "␛[1K", "     fghij"),
    Case("EL_2", LETTERS + "␛[2K", ""),
    Case("EL_doesNotRespectDECProtection", 'ab␛[1"qc␛[0"q␛[1;1H␛[2K', ""),
    Case("ICH_DefaultParam", "abcdefg␛[1;2H␛[@", "a bcdefg"),
    Case("ICH_ExplicitParam", "abcdefg␛[1;2H␛[2@", "a  bcdefg"),
    Case("ICH_ScrollOffRightEdge", "␛[1;4Habcdefg␛[1;5H␛[@", "   a bcdef", size=SMALL),
    Case("ICH_ScrollEntirelyOffRightEdge", "xxxxxxxxxx␛[1;1H␛[10@", "", size=SMALL),
    Case("IL_DefaultParam", DENSE + "␛[3;2H␛[L", "abcde|fghij||klmno"),
    Case("IL_ExplicitParam", DENSE + "␛[3;2H␛[2L", "abcde|fghij|||klmno"),
    Case("IL_ScrollsOffBottom", NUMBERED + "␛[L", "0001||0002|0003|0004|0005|0006|0007", size=SMALL),
    Case("IL_RespectsScrollRegion", FIVE + "␛[2;4r␛[2;3H␛[L␛[r", "abcde||fghij|klmno|uvwxy"),
    Case("IL_RespectsScrollRegion_Over", FIVE + "␛[2;4r␛[2;3H␛[99L␛[r", "abcde||||uvwxy"),
    Case("IL_AboveScrollRegion", FIVE + "␛[2;4r␛[1;1H␛[L␛[r", "abcde|fghij|klmno|pqrst|uvwxy"),
    Case("REP_DefaultParam", "a␛[b", "aa"),
    Case("REP_ExplicitParam", "a␛[2b", "aaa"),
    Case("REP_RespectsTopBottomMargins", "␛[2;4r␛[4;8Ha␛[3b", "||       aaa|a", size=SMALL),
    Case("SD_DefaultParam", FIVE + "␛[T", "|abcde|fghij|klmno|pqrst|uvwxy", cursor=(3, 2)),
    Case("SD_ExplicitParam", FIVE + "␛[2T", "||abcde|fghij|klmno|pqrst|uvwxy"),
    Case("SD_CanClearScreen", NUMBERED + "␛[8T", "", size=SMALL),
    Case("SD_RespectsTopBottomScrollRegion", FIVE + "␛[2;4r␛[2;3H␛[2T␛[r", "abcde|||fghij|uvwxy"),
    Case("SD_OutsideTopBottomScrollRegion", FIVE + "␛[2;4r␛[1;1H␛[2T␛[r", "abcde|||fghij|uvwxy"),
    Case("SD_BigScrollTopBottomScrollRegion", FIVE + "␛[2;4r␛[2;1H␛[99T␛[r", "abcde||||uvwxy"),
    Case("SGR_Bold", "x␛[1my", "xy", looks={(1, 1): PLAIN, (2, 1): Look(bold=True)}),
    Case("SU_DefaultParam", FIVE + "␛[S", "fghij|klmno|pqrst|uvwxy", cursor=(3, 2)),
    Case("SU_ExplicitParam", FIVE + "␛[2S", "klmno|pqrst|uvwxy"),
    Case("SU_CanClearScreen", NUMBERED + "␛[8S", "", size=SMALL),
    Case("SU_RespectsTopBottomScrollRegion", FIVE + "␛[2;4r␛[2;3H␛[2S␛[r", "abcde|pqrst|||uvwxy"),
    Case("SU_OutsideTopBottomScrollRegion", FIVE + "␛[2;4r␛[1;1H␛[2S␛[r", "abcde|pqrst|||uvwxy"),
    Case("SU_BigScrollTopBottomScrollRegion", FIVE + "␛[2;4r␛[2;1H␛[99S␛[r", "abcde||||uvwxy"),
]
