//! The report for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Measured, grouped, percent};
use crate::By;
use crate::Change;
use crate::Diff;
use crate::Entry;
use crate::Kind;
use crate::View;

const STRONG: Style = Style::new().bold();
const WEAK: Style = AnsiColor::BrightBlack.on_default();

fn colour(kind: Kind) -> Style {
    match kind {
        Kind::Python => AnsiColor::Yellow.on_default(),
        Kind::C => AnsiColor::Blue.on_default(),
        Kind::Rust => AnsiColor::Red.on_default(),
        Kind::Unknown => AnsiColor::Magenta.on_default(),
        Kind::Debug | Kind::Format => WEAK,
    }
}

/// Returns the tables of a module. Each table has at most `top` lines (all if `top` is 0), followed
/// by lines for the rest and the total. If `by` is `None`, there are two tables: one of sections
/// and one of origins.
#[must_use]
pub fn table(one: &Measured, by: Option<By>, top: usize) -> String {
    let mut text = String::new();
    let compressed = one.all.gzip.map(|it| format!(", {} compressed", grouped(it)));
    let _ = writeln!(
        text,
        "{STRONG}{}{STRONG:#}: {} bytes{}",
        one.file,
        grouped(one.all.total),
        compressed.unwrap_or_default()
    );
    for note in &one.all.notes {
        let _ = writeln!(text, "{WEAK}{note}{WEAK:#}");
    }
    let tables = by.map_or_else(|| vec![By::Section, By::Origin], |by| vec![by]);
    for by in tables {
        let view = View::of(&one.all, by);
        let _ = writeln!(text, "\n{:>12}  {:>7}  {}", "bytes", "part", heading(by));
        lines(&mut text, &view, one.all.total, top);
    }
    text
}

fn heading(by: By) -> &'static str {
    match by {
        By::Section => "section",
        By::Origin => "Python package, object, crate",
        By::Module => "Python module",
        By::Object => "object",
        By::Crate => "crate",
        By::Library => "C library",
        By::Function => "function",
        By::Data => "variable",
    }
}

fn lines(text: &mut String, view: &View, total: u64, top: usize) {
    let (rest, asked): (Vec<&Entry>, Vec<&Entry>) = view.entries.iter().partition(|it| it.is_rest);
    let has_kinds = view.entries.iter().any(|it| it.kind.is_some());
    let mut line = |kind: Option<Kind>, bytes: u64, label: &str| {
        let style = kind.map(colour).unwrap_or_default();
        let word = kind.map_or("", Kind::word);
        let part = percent(bytes, total);
        // The section table has no column for kinds.
        let word = if has_kinds { format!("{style}{word:<7}{style:#} ") } else { String::new() };
        let _ = writeln!(text, "{:>12}  {part:>7}  {word}{label}", grouped(bytes));
    };
    let shown = if top == 0 { asked.len() } else { top.min(asked.len()) };
    for entry in &asked[..shown] {
        let count =
            if entry.count > 1 { format!(" ({})", grouped(entry.count)) } else { String::new() };
        line(entry.kind, entry.bytes, &format!("{}{count}", entry.label));
    }
    if asked.len() > shown {
        let bytes = asked[shown..].iter().map(|it| it.bytes).sum();
        line(None, bytes, &format!("… {} more", grouped(asked.len() - shown)));
    }
    for entry in rest {
        line(entry.kind, entry.bytes, &format!("{WEAK}{}{WEAK:#}", entry.label));
    }
    line(None, total, "total");
}

/// Returns a table of the differences from an older module, with at most `top` lines (all if `top`
/// is 0).
#[must_use]
pub fn difference(one: &Measured, old: &str, diff: &Diff, by: By, top: usize) -> String {
    let mut text = format!(
        "{STRONG}{}{STRONG:#}: {} bytes, {} `{old}`\n\n{:>12}  {:>12}  {:>12}  {}\n",
        one.file,
        grouped(diff.after),
        compared(diff.before, diff.after),
        "change",
        "before",
        "now",
        heading(by)
    );
    let shown = if top == 0 { diff.changes.len() } else { top.min(diff.changes.len()) };
    let mut line = |change: &Change, word: &str| {
        let style = change.kind.map(colour).unwrap_or_default();
        let _ = writeln!(
            text,
            "{:>12}  {:>12}  {:>12}  {style}{word:<7}{style:#} {}",
            signed(change.by()),
            grouped(change.before),
            grouped(change.after),
            change.label
        );
    };
    for change in &diff.changes[..shown] {
        line(change, change.word());
    }
    if diff.changes.len() > shown {
        let rest = &diff.changes[shown..];
        line(
            &Change {
                kind: None,
                label: format!("… {} more", grouped(rest.len())),
                before: rest.iter().map(|it| it.before).sum(),
                after: rest.iter().map(|it| it.after).sum(),
            },
            "",
        );
    }
    let (before, after) = (diff.before, diff.after);
    line(&Change { kind: None, label: "total".to_owned(), before, after }, "");
    text
}

fn signed(by: i64) -> String {
    let sign = match by {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", grouped(by.unsigned_abs()))
}

/// Returns text that compares two sizes. The caller appends the name of the older module.
fn compared(before: u64, after: u64) -> String {
    match after.cmp(&before) {
        std::cmp::Ordering::Less => format!("{} less than", grouped(before - after)),
        std::cmp::Ordering::Equal => "the same size as".to_owned(),
        std::cmp::Ordering::Greater => format!("{} more than", grouped(after - before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breakdown::tests::example;

    fn measured() -> Measured {
        Measured { file: "x.wasm".into(), all: example(), diff: None }
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn table_ends_with_the_rest_and_the_total() {
        let text = plain(&table(&measured(), Some(By::Module), 1));
        assert_eq!(
            text,
            "x.wasm: 240 bytes

       bytes     part  Python module
          20    8.3 %  python  email.mime.text
          10    4.1 %          … 1 more
         100   41.6 %  c       C, code
          50   20.8 %  rust    Rust, code
          40   16.6 %  debug   names and debug information
           8    3.3 %  format  module structure
           7    2.9 %  c       C, data
           5    2.0 %  unknown without a name
         240  100.0 %          total
"
        );
        assert!(
            plain(&table(&measured(), None, 0)).contains("107   44.5 %  c       l.a(call.o) (2)")
        );
    }

    #[test]
    fn differences_end_with_their_sum() {
        let old = crate::Breakdown::default();
        let one = measured();
        let diff = Diff::of(&old, &one.all, By::Crate);
        let text = plain(&difference(&one, "old.wasm", &diff, By::Crate, 1));
        assert_eq!(
            text,
            "x.wasm: 240 bytes, 240 more than `old.wasm`

      change        before           now  crate
        +100             0           100  new     C, code
        +140             0           140          … 6 more
        +240             0           240          total
"
        );
    }
}
