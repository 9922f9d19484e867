//! Writes the benchmark page, `docs/benchmarks.md`. Each benchmark replaces whole sections of the
//! page.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::tool::root;

/// If the median time in the first row of a table is at least this many seconds, the table shows
/// seconds instead of milliseconds.
const LONG: f64 = 10.0;

/// A table row and its times.
#[derive(Debug)]
pub(crate) struct Row {
    name: &'static str,
    seconds: Vec<f64>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, seconds: Vec::new() }
    }

    pub(crate) fn push(&mut self, time: Duration) {
        self.seconds.push(time.as_secs_f64());
    }

    /// Adds the wall-clock time that an action takes.
    pub(super) fn measure(
        &mut self,
        act: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        act()?;
        self.push(start.elapsed());
        Ok(())
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.seconds.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    fn median(&self) -> f64 {
        median(&self.seconds)
    }
}

/// Returns the median. For an even number of values, it is the lower of the two middle values.
/// `values` must not be empty.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// Replaces the section `name` in `docs/benchmarks.md`. A row's ratio is the median, over all
/// rounds, of the row's time divided by the first row's time.
pub(crate) fn write_section(
    name: &str,
    title: &str,
    note: &str,
    rows: &[Row],
) -> anyhow::Result<()> {
    let mut text = format!("<!-- bench {name} -->\n## {title}\n\n{note}\n\n");
    let (unit, format): (_, fn(f64) -> String) =
        if rows[0].median() < LONG { ("ms", milliseconds) } else { ("s", three_digits) };
    writeln!(text, "| what | median {unit} | min {unit} | max {unit} | ratio to the first row |")?;
    text.push_str("|---|---:|---:|---:|---:|\n");
    for row in rows {
        let sorted = row.sorted();
        let pairs = row.seconds.iter().zip(&rows[0].seconds).map(|(own, first)| own / first);
        let mut ratio = Row::new("");
        ratio.seconds.extend(pairs);
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.3} |",
            row.name,
            format(row.median()),
            format(sorted[0]),
            format(sorted[sorted.len() - 1]),
            ratio.median()
        )?;
    }
    write(name, text)
}

pub(super) fn milliseconds(seconds: f64) -> String {
    three_digits(seconds * 1e3)
}

/// Formats a value with three significant digits. All digits before the decimal point are kept.
fn three_digits(value: f64) -> String {
    let decimals = [100.0, 10.0, 1.0, 0.1, 0.01, 0.001, 0.0001]
        .iter()
        .take_while(|bound| value < **bound)
        .count();
    format!("{value:.decimals$}")
}

/// Replaces a section with ready-made tables.
pub(crate) fn write_figures(
    name: &str,
    title: &str,
    note: &str,
    tables: &str,
) -> anyhow::Result<()> {
    write(name, format!("<!-- bench {name} -->\n## {title}\n\n{note}\n\n{tables}"))
}

fn write(name: &str, mut text: String) -> anyhow::Result<()> {
    text.push_str("<!-- end -->\n");
    eprint!("{text}");

    let path = root().join("docs/benchmarks.md");
    let page = std::fs::read_to_string(&path)?;
    let (start, end) = (format!("<!-- bench {name} -->\n"), "<!-- end -->\n");
    let page = match page.split_once(&start) {
        Some((before, rest)) => {
            let after = rest.split_once(end).map_or("", |(_, after)| after);
            format!("{before}{text}{after}")
        }
        None => format!("{page}\n{text}"),
    };
    std::fs::write(path, page)?;
    Ok(())
}

/// Describes this machine: number of cores, processor, architecture and operating system.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = model().map_or_else(String::new, |model| format!(" of {model}"));
    format!("{cores} cores{model}, {} {}", std::env::consts::ARCH, std::env::consts::OS)
}

/// Returns the processor name, if the operating system reports it.
fn model() -> Option<String> {
    let shell = xshell::Shell::new().ok()?;
    let text = if cfg!(target_os = "macos") {
        xshell::cmd!(shell, "sysctl -n machdep.cpu.brand_string").quiet().read().ok()?
    } else {
        let text = shell.read_file("/proc/cpuinfo").ok()?;
        text.lines().find_map(|line| line.strip_prefix("model name"))?.to_owned()
    };
    let name = text.trim_start_matches([' ', '\t', ':']).split_whitespace();
    Some(name.collect::<Vec<_>>().join(" ")).filter(|name| !name.is_empty())
}

/// Returns the version of a dependency in Cargo.lock.
pub(super) fn locked(name: &str) -> anyhow::Result<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let start = format!("name = \"{name}\"\nversion = \"");
    let after = lock.split_once(&start).with_context(|| format!("Cargo.lock has no `{name}`"))?.1;
    Ok(after.split('"').next().unwrap_or_default().to_owned())
}

/// Formats a number with commas, as in `3,300,298`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_significant_digits() {
        let formatted = [1.5, 0.095_02, 0.001_234, 0.000_058_31, 5.12e-8].map(milliseconds);
        assert_eq!(formatted, ["1500", "95.0", "1.23", "0.0583", "0.0000512"]);
    }
}
