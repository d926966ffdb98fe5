//! The table of results, one line a case, written as the cases end.

use std::error::Error;
use std::io::{Result, Write};

use crate::harness::{Case, Measured, median};

/// Writes the names of the columns.
pub fn head(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "{:<22} {:>9} {:>9}   {:>6} {:>6} {:>6}   {:>5}",
        "case", "floor", "ours", "min", "median", "max", "bound"
    )
}

/// Writes what was measured.
pub fn line(out: &mut impl Write, case: &Case, measured: &Measured) -> Result<()> {
    let (bound, met) = match case.bound {
        Some(bound) if measured.ratio() <= bound => (format!("{bound:.1}"), "met"),
        Some(bound) => (format!("{bound:.1}"), "EXCEEDED"),
        None => ("-".to_owned(), ""),
    };
    let [.., max] = measured.ratios[..] else { return Ok(()) };
    writeln!(
        out,
        "{:<22} {:>9} {:>9}   {:>6.2} {:>6.2} {:>6.2}   {bound:>5} {met}",
        case.name,
        time(median(&measured.floor)),
        time(median(&measured.ours)),
        measured.ratios[0],
        measured.ratio(),
        max,
    )?;
    out.flush()
}

/// Writes that a case could not be measured.
pub fn failed(out: &mut impl Write, case: &Case, error: &dyn Error) -> Result<()> {
    writeln!(out, "{:<22} not measured: {error}", case.name)
}

/// Writes a time with three digits.
fn time(seconds: f64) -> String {
    let (number, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "us"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    match number {
        n if n < 10.0 => format!("{n:.2} {unit}"),
        n if n < 100.0 => format!("{n:.1} {unit}"),
        n => format!("{n:.0} {unit}"),
    }
}
