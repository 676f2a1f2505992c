"""The judge on the command line: fifteen known answers, one clear error for whatever cannot be judged, and how quickly."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from harness import cli
from harness.words.canonical import Json

GAP, RETENTION = ("--printed", "26.27", "--margin", "2.5"), ("--printed", "~91", "--margin", "2.0")


def call(*words: str) -> int:
    return cli.exit_code_of(["judge", *words])


@dataclass(frozen=True)
class Row:
    """One row of the table of known answers, worked out by another implementation."""

    printed: tuple[str, ...]
    measured: str
    """Estimate, standard error, degrees of freedom, error of one run."""
    ci90: tuple[float, float]
    p_equiv: float
    p_dev: float
    half_pi95: float
    verdict: str
    extra: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        names = ("--estimate", "--se", "--df", "--one-run-sd")
        pairs = zip(names, self.measured.split(), strict=True)
        return [*self.printed, *self.extra, *(word for pair in pairs for word in pair), "--json"]


def gain(printed: str, margin: str) -> tuple[str, ...]:
    return ("--printed", printed, "--margin", margin)


ROWS = {
    "V1": Row(GAP, "25.10 .60 199 .60", (24.1085, 26.0915), 0.0136, 1, 1.673, "PASS ci-inside-band"),
    "V2": Row(GAP, "24.40 .60 199 .60", (23.4085, 25.3915), 0.1456, 1, 1.673, "INCONCLUSIVE straddles-leaning-pass"),
    "V3": Row(GAP, "18.00 .60 199 .60", (17.0085, 18.9915), 1, 1.686e-18, 1.673, "DEVIATION smaller"),
    "V4": Row(GAP, "22.00 .90 199 2.00", (20.5127, 23.4873), 0.9744, 0.02563, 4.325, "INCONCLUSIVE within-one-run-noise"),
    "V5": Row(GAP, "-3.00 .60 199 .60", (-3.9915, -2.0085), 1, 7.157e-106, 1.673, "DEVIATION opposite-sign"),
    "V6": Row(GAP, "23.20 .90 199 .90", (21.7127, 24.6873), 0.7346, 0.2654, 2.510, "INCONCLUSIVE straddles-leaning-deviation"),
    "V7": Row(GAP, "26.27 1.60 199 1.60", (23.6259, 28.9141), 0.05951, 1, 4.462, "INCONCLUSIVE straddles-leaning-pass"),
    "V8": Row(GAP, "25.10 .60 24 .60", (24.0735, 26.1265), 0.01787, 1, 1.751, "INCONCLUSIVE too-few-units", ("--units", "25", "--min-units", "100")),
    "V9": Row(GAP, "22.30 .70 199 .70", (21.1432, 23.4568), 0.9812, 0.01881, 1.952, "INCONCLUSIVE not-after-holm", ("--holm", "9")),
    "V10": Row(RETENTION, "90.20 .50 199 .50", (89.3737, 91.0263), 8.817e-6, 1, 1.394, "PASS ci-inside-band"),
    "V11": Row(RETENTION, "84.00 .90 199 .90", (82.5127, 85.4873), 1, 7.311e-6, 2.510, "DEVIATION smaller"),
    "V12": Row(gain("87.69", "6.0"), "85.00 .9165151 6.0906 1.34", (83.2238, 86.7762), 0.005427, 1, 3.958, "PASS ci-inside-band", (), ("detectable-difference",)),
    "V13": Row(gain("+0.16", "0.5"), ".1710864 .651737 1168 .65", (-0.9018, 1.2439), 0.2243, 1, 1.806, "INCONCLUSIVE straddles-leaning-pass"),
    "V14": Row(gain("+1.62", "0.5"), ".40 .12 4 .27", (0.1442, 0.6558), 0.9980, 0.001991, 0.8203, "DEVIATION smaller", ("--seeds", "5")),
    "V15": Row(GAP, "24.20 .10 199 .10", (24.0347, 24.3653), 1.087e-5, 1, 0.2789, "PASS ci-inside-band", (), ("detectable-difference",)),
}  # fmt: skip


def judged(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Json]:
    assert call(*words) == 0
    form = json.loads(capsys.readouterr().out)
    assert isinstance(form, dict)
    return form


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_known_answers_come_out_of_the_command(row: Row, capsys: pytest.CaptureFixture[str]) -> None:
    form = judged(capsys, *row.words)
    assert f"{form['verdict']} {form['reason']}" == row.verdict
    assert form["flags"] == list(row.flags)
    assert form["ci90"] == pytest.approx(row.ci90, abs=5e-4)
    assert form["p_equiv"] == pytest.approx(row.p_equiv, rel=2e-3)
    assert form["p_dev"] == pytest.approx(row.p_dev, rel=1e-3)
    low, high = form["pi95"]
    assert (high - low) / 2 == pytest.approx(row.half_pi95, rel=5e-4)


def test_a_measurement_that_passes_too_precisely_shows_where_the_truth_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert judged(capsys, *ROWS["V15"].words)["ci95"] == pytest.approx([24.0028, 24.3972], abs=5e-5)


def test_the_raw_p_stays_beside_the_adjusted_one(capsys: pytest.CaptureFixture[str]) -> None:
    form = judged(capsys, *ROWS["V9"].words)
    assert form["p_dev_holm"] == pytest.approx(9 * form["p_dev"])
    assert judged(capsys, *ROWS["V2"].words, "--holm", "9")["p_dev_holm"] == 1


@pytest.mark.parametrize(
    ("printed", "half_width", "band"),
    [
        pytest.param("26.27", 0.005, [23.765, 28.775], id="two decimals"),
        pytest.param("26.270", 0.0005, [23.7695, 28.7705], id="a trailing zero counts"),
        pytest.param("~91", 1.0, [87.5, 94.5], id="a hedge widens to one unit"),
        pytest.param("-0.22", 0.005, [-2.725, 2.285], id="a negative number"),
    ],
)
def test_rounding_is_read_off_the_string(
    capsys: pytest.CaptureFixture[str], printed: str, half_width: float, band: list[float]
) -> None:
    form = judged(capsys, *gain(printed, "2.5"), "--estimate", "1", "--se", "1", "--json")
    assert form["half_width"] == pytest.approx(half_width)
    assert form["band"] == pytest.approx(band)


def test_rounding_can_be_said(capsys: pytest.CaptureFixture[str]) -> None:
    words = (*gain("+0.16", "0.5"), "--half-width", "0.01", "--estimate", "0.1", "--se", "0.1", "--json")
    assert judged(capsys, *words)["band"] == pytest.approx([-0.35, 0.67])


@pytest.mark.parametrize(
    ("printed", "half_width", "band"),
    [
        pytest.param(".42", 0.005, [-2.085, 2.925], id="no zero before the point"),
        pytest.param("\N{MINUS SIGN}1e-3", 0.0005, [-2.5015, 2.4995], id="a power of ten"),
        pytest.param("+5,47", 0.005, [2.965, 7.975], id="a decimal comma"),
        pytest.param("1,234.5", 0.05, [1231.95, 1237.05], id="thousands"),
        pytest.param("r = -0.95", 0.005, [-3.455, 1.555], id="a letter and an equals sign"),
        pytest.param("10-12", 1.5, [7, 15], id="a range, its ends rounded"),
        pytest.param("10.0\N{EN DASH}12.0", 1.05, [7.45, 14.55], id="a range with a dash"),
        pytest.param(
            "between \N{MINUS SIGN}3 and \N{MINUS SIGN}1", 1.5, [-6, 2], id="a negative range in words"
        ),
        pytest.param("~10 to 12 percent", 2, [6.5, 15.5], id="a hedged range"),
    ],
)
def test_what_papers_print_is_taken(
    capsys: pytest.CaptureFixture[str], printed: str, half_width: float, band: list[float]
) -> None:
    form = judged(capsys, f"--printed={printed}", "--margin", "2.5", "--estimate", "1", "--se", "1", "--json")
    assert form["half_width"] == pytest.approx(half_width)
    assert form["band"] == pytest.approx(band)


@pytest.mark.parametrize(
    ("printed", "estimate", "band", "verdict"),
    [
        pytest.param("< .001", "0.0001", [None, 0.001], "PASS shown", id="less"),
        pytest.param("p < .001", "0.01", [None, 0.001], "DEVIATION above-limit", id="less, of a p"),
        pytest.param("\N{LESS-THAN OR EQUAL TO} .001", "0.001", [None, 0.001], "INCONCLUSIVE straddles-leaning-pass", id="at the limit"),
        pytest.param("Less than .001", "0.0001", [None, 0.001], "PASS shown", id="less, in words"),
        pytest.param("at least 0.5", "1", [0.5, None], "PASS shown", id="at least"),
        pytest.param(">0.5", "0.4", [0.5, None], "DEVIATION below-limit", id="more"),
    ],
)  # fmt: skip
def test_a_limit_is_judged_from_one_side(
    capsys: pytest.CaptureFixture[str], printed: str, estimate: str, band: list[float | None], verdict: str
) -> None:
    form = judged(capsys, "--printed", printed, "--estimate", estimate, "--se", "0.0001", "--json")
    assert f"{form['verdict']} {form['reason']}" == verdict
    assert (form["band"], form["half_width"], form["margins"]) == (band, None, None)


def test_a_small_limit_is_told_with_its_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--printed", "< .001", "--estimate", "0.0001", "--se", "0.0001") == 0
    first, *table = capsys.readouterr().out.splitlines()
    assert first.startswith("PASS. That it stays below 0.001 is shown to hold: 0.0001, 90 % interval")
    assert "  agreement           at most 0.001" in table


def test_without_degrees_of_freedom_the_error_counts_as_known(capsys: pytest.CaptureFixture[str]) -> None:
    form = judged(capsys, *GAP, "--estimate", "25.1", "--se", "0.6", "--json")
    assert form["ci90"] == pytest.approx([25.1 - 1.644854 * 0.6, 25.1 + 1.644854 * 0.6], abs=1e-5)
    assert form["df"] is None


def test_unknown_noise_of_one_run_is_assumed_and_flagged(capsys: pytest.CaptureFixture[str]) -> None:
    form = judged(capsys, *GAP, "--estimate", "25.1", "--se", "0.6", "--seeds", "4", "--json")
    assert form["one_run_sd"] == pytest.approx(1.2)
    assert form["flags"] == ["one-run-noise-assumed"]


@pytest.mark.parametrize(("null", "flags"), [("0", ["non-discriminating"]), ("-9", [])])
def test_a_pass_that_no_effect_would_earn_as_well_says_so(
    capsys: pytest.CaptureFixture[str], null: str, flags: list[str]
) -> None:
    words = (*gain("+0.16", "0.5"), "--estimate", "0.15", "--se", "0.1", "--one-run-sd", "0.1", "--json")
    assert judged(capsys, *words, "--null", null)["flags"] == flags


def test_no_spread_at_all_earns_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    form = judged(capsys, *GAP, "--estimate", "26.27", "--se", "0", "--df", "4", "--json")
    assert (form["verdict"], form["reason"]) == ("INCONCLUSIVE", "zero-variance")
    assert (form["ci90"], form["p_equiv"], form["p_dev"], form["p_dev_holm"]) == (None, None, None, None)


def test_a_person_gets_one_sentence_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*GAP, "--estimate", "25.1", "--se", "0.6", "--df", "199") == 0
    first, *table = capsys.readouterr().out.splitlines()
    assert first == (
        "PASS. Measured 25.10, 90 % interval 24.11 to 26.09, wholly inside the band 23.77 to 28.77 around the printed 26.27."
    )
    assert "  90 % interval       24.1085 to 26.0915" in table
    assert "  know                the noise of the paper's one run is assumed" in table
    assert "  p if it disagrees   0.0136021 (0.05 or less shows agreement)" in table
    assert "times" not in " ".join(table)
    assert (
        call(*GAP, "--estimate", "22.3", "--se", "0.7", "--df", "199", "--one-run-sd", "0.7", "--holm", "9")
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert "  why                 not after Holm" in lines
    raw, adjusted = (line for line in lines if line.startswith(("  p if it agrees", "  p after Holm")))
    assert raw.split()[-1].startswith("0.0188")
    assert adjusted.startswith("  p after Holm        0.169")
    assert adjusted.endswith(
        " (times 9, Holm's adjustment at its worst for 9 claims; 0.05 or less shows deviation)"
    )


SOUND = {"--printed": "26.27", "--margin": "2.5", "--estimate": "25.1", "--se": "0.6", "--df": "199"}


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        pytest.param(
            "--printed", "a lot", "--printed: 'a lot' is no printed number; expected", id="no number"
        ),
        pytest.param("--printed", "", "--printed: '' is no printed number", id="nothing printed"),
        pytest.param("--printed", "nan", "--printed: 'nan' is no printed number", id="printed nan"),
        pytest.param(
            "--printed", "1.2M", "--printed: '1.2M' is no printed number", id="told as it was typed"
        ),
        pytest.param("--printed", "9" * 400, "--printed must be a finite number", id="printed beyond floats"),
        pytest.param(
            "--printed", "1,234", "--printed: '1,234' is 1234 to some and 1.234 to others", id="two numbers"
        ),
        pytest.param(
            "--printed", "12-10", "a range whose first end is the larger one", id="a range that falls"
        ),
        pytest.param(
            "--printed",
            "< .001",
            "--margin goes with a number; '< .001' is a limit",
            id="a margin of a limit",
        ),
        pytest.param("--estimate", "nan", "--estimate must be a finite number, found nan", id="nan"),
        pytest.param("--estimate", "-inf", "--estimate must be a finite number, found -inf", id="infinity"),
        pytest.param("--estimate", "1e999", "--estimate must be a finite number, found inf", id="overflow"),
        pytest.param("--estimate", "x", "Invalid value for '--estimate'", id="letters"),
        pytest.param("--se", "-0.1", "--se must be 0 or more, found -0.1", id="negative error"),
        pytest.param("--se", "inf", "--se must be a finite number", id="infinite error"),
        pytest.param("--margin", "-1", "--margin must be 0 or more, found -1", id="negative margin"),
        pytest.param("--half-width", "-1", "--half-width must be 0 or more", id="negative rounding"),
        pytest.param("--df", "0", "--df must be above 0, found 0", id="no degree of freedom"),
        pytest.param("--df", "-3", "--df must be above 0, found -3", id="negative degrees of freedom"),
        pytest.param("--df", "nan", "--df must be a finite number", id="degrees of freedom nan"),
        pytest.param("--se", "1e308", "not finite", id="an interval without end"),
        pytest.param("--margin", "1e308", "not finite", id="a distance that overflows"),
        pytest.param("--one-run-sd", "-1", "--one-run-sd must be 0 or more", id="negative noise"),
        pytest.param("--seeds", "-1", "--seeds must be 0 or more", id="negative seeds"),
        pytest.param("--units", "-1", "--units must be 0 or more", id="negative units"),
        pytest.param("--min-units", "5", "--min-units 5 needs --units", id="a minimum of nothing known"),
        pytest.param("--holm", "0", "--holm must be 1 or more", id="an empty family"),
        pytest.param("--null", "inf", "--null must be a finite number", id="infinite null"),
    ],
)
def test_what_cannot_be_judged_gets_one_clear_error(
    capsys: pytest.CaptureFixture[str], option: str, value: str, says: str
) -> None:
    sound = SOUND | ({"--printed": "1" + "0" * 308} if option == "--margin" and value == "1e308" else {})
    assert call(*(word for pair in (sound | {option: value}).items() for word in pair)) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert says in captured.err


def test_a_number_needs_a_margin(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--printed", "26.27", "--estimate", "25.1", "--se", "0.6") == 4
    assert "--margin is missing: how far the truth may lie" in capsys.readouterr().err


def test_a_missing_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*GAP, "--estimate", "25.1") == 4
    assert "Missing option '--se'" in capsys.readouterr().err


def test_the_answer_comes_within_a_second_and_without_torch() -> None:
    watched = "import sys; from harness.cli import exit_code_of; exit_code_of(sys.argv[1:]); print('torch' in sys.modules)"
    words = [*(word for pair in SOUND.items() for word in pair), "--json"]
    spent_cpu_s = []
    # CPU seconds and the least of three, since on a busy machine wall time and a single start say little.
    for _ in range(3):
        before = os.times()
        run = subprocess.run([sys.executable, "-c", watched, "judge", *words], capture_output=True, text=True, check=True)  # fmt: skip
        after = os.times()
        assert run.stdout.splitlines()[-1] == "False"
        spent_cpu_s.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    assert min(spent_cpu_s) <= 1.0
