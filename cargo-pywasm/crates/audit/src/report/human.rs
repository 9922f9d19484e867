//! The report as human-readable text.

use std::collections::HashMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style as Colour};

use super::{Audited, Style};
use crate::finding::{Code, Finding};
use crate::origin::Origin;

/// The maximum number of symbols listed for a family.
const MAX_SYMBOLS: usize = 3;

/// The maximum number of cures listed for a family.
const MAX_CURES: usize = 6;

const ERROR: Colour = AnsiColor::Red.on_default().bold();
const WARNING: Colour = AnsiColor::Yellow.on_default().bold();
const CURE: Colour = AnsiColor::Green.on_default().bold();
const WEAK: Colour = AnsiColor::BrightBlack.on_default();
const STRONG: Colour = Colour::new().bold();

pub(super) fn report(audited: &[Audited], style: Style) -> String {
    let mut text = String::new();
    for one in audited {
        for group in groups(&one.findings, style) {
            block(&mut text, &group, style);
        }
        let clean = if one.findings.is_empty() { CURE } else { ERROR };
        let _ = writeln!(
            text,
            "{}: {} under policy `{}`{}",
            paint(STRONG, one.name.as_str(), style),
            paint(clean, &summary(&one.findings), style),
            one.policy,
            accepted(one.accepted),
        );
    }
    text
}

/// Summarizes findings: `3 findings`, `clean`.
pub(super) fn summary(findings: &[Finding]) -> String {
    match findings.len() {
        0 => "clean".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    }
}

pub(super) fn accepted(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", {count} accepted by the baseline") }
}

/// Groups findings with the same code, family and message. Groups are sorted by severity, then by
/// size, the largest first.
pub(super) fn groups(findings: &[Finding], style: Style) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut known: HashMap<(Code, &str, &str), usize> = HashMap::new();
    for finding in findings {
        let index = finding.family.as_deref().filter(|_| !style.all).map(|family| {
            *known.entry((finding.code, family, &finding.message)).or_insert(groups.len())
        });
        match index.and_then(|index| groups.get_mut(index)) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups.sort_by_key(|group| (group[0].code, std::cmp::Reverse(group.len())));
    groups
}

fn block(text: &mut String, group: &[&Finding], style: Style) {
    let first = group[0];
    let (word, colour) =
        if first.code.is_error() { ("error", ERROR) } else { ("warning", WARNING) };
    let count = if group.len() > 1 { format!("{} of ", group.len()) } else { String::new() };
    let subject = match &first.family {
        Some(family) if group.len() > 1 => format!("{count}{family}"),
        _ => first.subject.clone(),
    };
    let _ = writeln!(
        text,
        "{}: {}: {}",
        paint(colour, &format!("{word}[{}]", first.code), style),
        paint(STRONG, &subject, style),
        first.message
    );
    if group.len() > 1 {
        for finding in group.iter().take(MAX_SYMBOLS) {
            let _ = writeln!(text, "    {}{}", finding.subject, of_type(finding));
        }
        if group.len() > MAX_SYMBOLS {
            let _ = writeln!(text, "    … {} more", group.len() - MAX_SYMBOLS);
        }
    } else if let Some(ty) = &first.ty {
        let _ = writeln!(text, "    {} {ty}", paint(WEAK, "type     ", style));
    }
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "    {} {value}", paint(WEAK, label, style));
    };
    // A family with which the subject already starts is not shown. This applies to imports, whose
    // family is the name of the wasm module: `env` for the subject `env.mpd_add`.
    if let (Some(family), [_]) = (&first.family, group)
        && !first.subject.starts_with(family.as_str())
    {
        line("family   ", family);
    }
    // A short call chain is the most useful origin, and a wasm table the least useful.
    let mut origins: Vec<(bool, usize, String)> = group
        .iter()
        .flat_map(|finding| &finding.needed_by)
        .map(|origin| (origin, origin.to_string()))
        .map(|(origin, text)| (*origin == Origin::Table, text.len(), text))
        .collect();
    origins.sort_unstable();
    origins.dedup();
    let shown = if style.all { origins.len() } else { MAX_SYMBOLS.min(origins.len()) };
    for (.., origin) in &origins[..shown] {
        line("needed by", origin);
    }
    if origins.len() > shown {
        line("         ", &format!("… {} more", origins.len() - shown));
    }
    let mut python: Vec<&str> =
        group.iter().flat_map(|finding| finding.python.iter().map(String::as_str)).collect();
    python.sort_unstable();
    python.dedup();
    if !python.is_empty() {
        line("module   ", &python.join(", "));
    }
    for (number, note) in group.iter().flat_map(|finding| &finding.notes).enumerate() {
        line(if number == 0 { "most     " } else { "         " }, note);
    }
    let mut cures: Vec<&str> = Vec::new();
    for cure in group.iter().flat_map(|finding| &finding.cures) {
        if !cures.contains(&cure.as_str()) && cures.len() < MAX_CURES {
            cures.push(cure);
        }
    }
    for cure in cures {
        let _ = writeln!(text, "    {}      {cure}", paint(CURE, "cure", style));
    }
}

fn of_type(finding: &Finding) -> String {
    finding.ty.as_ref().map(|ty| format!("  {ty}")).unwrap_or_default()
}

fn paint(colour: Colour, text: &str, style: Style) -> String {
    if style.colour { format!("{colour}{text}{colour:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_the_same_text_in_json() {
        for code in Code::ALL {
            assert_eq!(format!("\"{code}\""), serde_json::to_string(&code).unwrap());
        }
    }
}
