//! Collects the measured times and formats them as a table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::report::{median, milliseconds};

/// The way to summarize the rounds of one benchmark.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// The median time, and the median of the ratios of all rounds.
    Median,
    /// The best time, and the ratio of the best times. Other load on the machine can only add time,
    /// so it affects the best time least.
    Best,
}

impl Of {
    fn time(self, times: &[f64]) -> f64 {
        match self {
            Self::Median => median(times),
            Self::Best => times.iter().copied().fold(f64::INFINITY, f64::min),
        }
    }

    fn ratio(self, first: &[f64], own: &[f64]) -> f64 {
        match self {
            Self::Median => {
                let ratios: Vec<f64> =
                    first.iter().zip(own).map(|(first, own)| first / own).collect();
                median(&ratios)
            }
            Self::Best => self.time(first) / self.time(own),
        }
    }
}

/// The times and failures, indexed by benchmark and column.
#[derive(Debug)]
pub(super) struct Measured {
    columns: Vec<&'static str>,
    times: BTreeMap<String, BTreeMap<usize, Vec<f64>>>,
    failed: BTreeMap<(usize, &'static str), String>,
}

impl Measured {
    pub(super) fn new(columns: Vec<&'static str>) -> Self {
        Self { columns, times: BTreeMap::new(), failed: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, column: usize, name: &str, seconds: f64) {
        let row = self.times.entry(name.to_owned()).or_default();
        row.entry(column).or_default().push(seconds);
    }

    /// Records a failure, so that the contender does not run this benchmark again.
    pub(super) fn fail(&mut self, column: usize, benchmark: &'static str, why: String) {
        self.failed.insert((column, benchmark), why);
    }

    pub(super) fn has_failed(&self, column: usize, benchmark: &'static str) -> bool {
        self.failed.contains_key(&(column, benchmark))
    }

    /// Returns the speed of a column relative to the first column, or `None` if the two columns
    /// have times from different numbers of rounds.
    fn ratio(&self, row: &BTreeMap<usize, Vec<f64>>, column: usize, of: Of) -> Option<f64> {
        let (first, own) = (row.get(&0)?, row.get(&column)?);
        (first.len() == own.len()).then(|| of.ratio(first, own))
    }

    /// Returns the times and ratios as a Markdown table.
    pub(super) fn table(&self, of: Of) -> anyhow::Result<String> {
        let mut text = format!("| benchmark | {}, ms |", self.columns[0]);
        for column in &self.columns[1..] {
            write!(text, " {column} |")?;
        }
        writeln!(text, "\n|---|---:|{}", "---:|".repeat(self.columns.len() - 1))?;
        let mut all: Vec<Vec<(&str, f64)>> = vec![Vec::new(); self.columns.len()];
        for (name, row) in &self.times {
            let first = row.get(&0).map(|times| milliseconds(of.time(times)));
            write!(text, "| {name} | {} |", first.as_deref().unwrap_or("-"))?;
            for (column, known) in all.iter_mut().enumerate().skip(1) {
                match self.ratio(row, column, of) {
                    Some(ratio) => {
                        known.push((name, ratio));
                        write!(text, " {ratio:.2} |")?;
                    }
                    None => text.push_str(" - |"),
                }
            }
            text.push('\n');
        }
        for name in self.without_a_row() {
            writeln!(text, "| {name} | - |{}", " - |".repeat(self.columns.len() - 1))?;
        }
        text.push_str("| **geometric mean** (benchmarks) | |");
        for known in &all[1..] {
            match geometric_mean(known) {
                Some(mean) => write!(text, " **{mean:.2}** ({}) |", known.len())?,
                None => text.push_str(" - |"),
            }
        }
        text.push_str("\n| lowest relative speed | |");
        for known in &all[1..] {
            match known.iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
                Some((name, ratio)) => write!(text, " {ratio:.2} {name} |")?,
                None => text.push_str(" - |"),
            }
        }
        text.push('\n');
        Ok(text)
    }

    /// Returns a Markdown list of the failures, or an empty string if there are none.
    pub(super) fn failures(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        if !self.failed.is_empty() {
            text.push_str("\nA dash marks a benchmark that could not be run:\n\n");
        }
        for ((column, benchmark), why) in &self.failed {
            writeln!(text, "- {}, {benchmark}: `{why}`", self.columns[*column])?;
        }
        Ok(text)
    }

    /// Returns the benchmarks that failed in every column. Such benchmarks have no row in `times`,
    /// because the names in `times` come from the output of successful runs.
    fn without_a_row(&self) -> Vec<&'static str> {
        let mut columns: BTreeMap<&'static str, BTreeSet<usize>> = BTreeMap::new();
        for (column, benchmark) in self.failed.keys() {
            columns.entry(benchmark).or_default().insert(*column);
        }
        columns.retain(|_, failed| failed.len() == self.columns.len());
        columns.into_keys().collect()
    }
}

fn geometric_mean(ratios: &[(&str, f64)]) -> Option<f64> {
    let count = u32::try_from(ratios.len()).ok().filter(|count| *count > 0)?;
    let sum: f64 = ratios.iter().map(|(_, ratio)| ratio.ln()).sum();
    Some((sum / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_a_median_and_mean_covers_common_rows() {
        let mut measured = Measured::new(vec!["base", "fast", "odd"]);
        // Simulate a machine whose speed changes between rounds. The median of the ratios is 2, but
        // the ratio of the medians is not.
        for (base, fast) in [(1.0, 0.5), (4.0, 2.0), (2.0, 0.1)] {
            measured.push(0, "a", base);
            measured.push(1, "a", fast);
            measured.push(0, "b", 1.0);
            measured.push(1, "b", 0.125);
            measured.push(2, "b", 2.0);
        }
        measured.fail(2, "a", "KeyError".to_owned());
        for column in 0..3 {
            measured.fail(column, "c", "no clock".to_owned());
        }
        let expected = "\
| benchmark | base, ms | fast | odd |
|---|---:|---:|---:|
| a | 2000 | 2.00 | - |
| b | 1000 | 8.00 | 0.50 |
| c | - | - | - |
| **geometric mean** (benchmarks) | | **4.00** (2) | **0.50** (1) |
| lowest relative speed | | 2.00 a | 0.50 b |
";
        assert_eq!(measured.table(Of::Median).unwrap(), expected);
        let best = measured.table(Of::Best).unwrap();
        assert!(best.contains("| a | 1000 | 10.00 | - |\n| b | 1000 | 8.00 | 0.50 |\n"), "{best}");
        let failures = "
A dash marks a benchmark that could not be run:

- base, c: `no clock`
- fast, c: `no clock`
- odd, a: `KeyError`
- odd, c: `no clock`
";
        assert_eq!(measured.failures().unwrap(), failures);
    }

    #[test]
    fn failure_in_a_later_round_leaves_no_ratio() {
        let mut measured = Measured::new(vec!["base", "other"]);
        measured.push(0, "a", 1.0);
        measured.push(0, "a", 1.0);
        measured.push(1, "a", 1.0);
        measured.fail(1, "a", "killed".to_owned());
        let table = measured.table(Of::Median).unwrap();
        assert!(table.contains("| a | 1000 | - |\n"), "{table}");
    }
}
