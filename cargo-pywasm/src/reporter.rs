//! What the user sees: status lines in Cargo's form, progress bars, JSON messages.
//!
//! stdout is data, stderr is everything else. Nothing outside this file prints.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How much and in which form is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    /// Lines for people on stderr, data on stdout.
    #[default]
    Human,
    /// One JSON object a line on stdout, each with `"version": 1` and a `"reason"`.
    Json,
}

/// The version of the JSON messages.
const JSON_VERSION: u32 = 1;

/// The only way to speak to the user.
#[derive(Clone, Debug)]
pub struct Reporter {
    format: MessageFormat,
    quiet: bool,
    progress: bool,
    /// Lines of tests; `None` writes to the real streams.
    captured: Option<Arc<Mutex<Vec<String>>>>,
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const FAIL: Style = AnsiColor::Red.on_default().bold();

impl Reporter {
    /// A reporter for the real streams. Progress bars appear on a terminal only.
    #[must_use]
    pub fn new(format: MessageFormat, quiet: bool) -> Self {
        let progress = format == MessageFormat::Human && !quiet && std::io::stderr().is_terminal();
        Self { format, quiet, progress, captured: None }
    }

    /// A reporter that keeps what it is told, for tests.
    #[must_use]
    pub fn captured() -> Self {
        Self {
            format: MessageFormat::Human,
            quiet: false,
            progress: false,
            captured: Some(Arc::default()),
        }
    }

    /// Whether only warnings, errors and data are said.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// The lines told to a [`Reporter::captured`] so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.captured
            .as_ref()
            .map(|lines| lines.lock().expect("no panic while speaking").clone())
            .unwrap_or_default()
    }

    /// Whether messages are JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == MessageFormat::Json
    }

    /// A step that begins or is done: `Fetching Python-3.13.15.tar.xz (23.2 MB)`.
    pub fn status(&self, verb: &str, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.is_json() {
            return self.json(&StatusMessage { verb, text });
        }
        if !self.quiet {
            self.line(GOOD, verb, text);
        }
    }

    /// Something worth knowing that asks nothing of the user.
    pub fn note(&self, text: impl AsRef<str>) {
        if self.is_json() {
            return self.json(&NoteMessage { level: "note", text: text.as_ref() });
        }
        if !self.quiet {
            self.err(&format!("{NOTE}note{NOTE:#}: {}", text.as_ref()));
        }
    }

    /// Something that is probably not as the user wants it.
    pub fn warn(&self, text: impl AsRef<str>) {
        if self.is_json() {
            return self.json(&NoteMessage { level: "warning", text: text.as_ref() });
        }
        self.err(&format!("{WARN}warning{WARN:#}: {}", text.as_ref()));
    }

    /// The error that ends the run: its chain, outermost first, and its hint.
    pub fn error(&self, error: &anyhow::Error) {
        let (chain, hint) = split_hint(error);
        if self.is_json() {
            return self.json(&ErrorMessage { error: &chain, hint: hint.as_deref() });
        }
        self.err(&format!("{FAIL}error{FAIL:#}: {}", chain.first().map_or("", String::as_str)));
        for cause in chain.iter().skip(1) {
            for (number, line) in cause.lines().enumerate() {
                let lead = if number == 0 { "caused by: " } else { "  " };
                self.err(&format!("  {lead}{line}"));
            }
        }
        if let Some(hint) = hint {
            self.err(&format!("{NOTE}hint{NOTE:#}: {hint}"));
        }
    }

    /// Lines for people, beside the status lines: a table, a clean audit.
    pub fn report(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.complaint(text);
        }
    }

    /// Lines that say why something failed, however quiet it is to be.
    pub fn complaint(&self, text: impl AsRef<str>) {
        text.as_ref().lines().for_each(|line| self.err(line));
    }

    /// A line of data on stdout.
    pub fn data(&self, text: impl AsRef<str>) {
        if let Some(lines) = &self.captured {
            lines.lock().expect("no panic while speaking").push(text.as_ref().to_owned());
            return;
        }
        // A reader that has gone away is no error of ours.
        let _ = writeln!(anstream::stdout().lock(), "{}", text.as_ref());
    }

    /// A JSON message on stdout, whatever the format is: commands whose data is
    /// JSON use this, too.
    pub fn json<M: Message>(&self, message: &M) {
        let envelope = Envelope { version: JSON_VERSION, reason: M::REASON, message };
        match serde_json::to_string(&envelope) {
            Ok(text) => self.data(text),
            Err(error) => self.err(&format!("error: a message can't be written as JSON: {error}")),
        }
    }

    /// A bar for `total` bytes, or one that only counts when the total is unknown.
    /// Drawn on a terminal only.
    #[must_use]
    pub fn bytes(&self, name: &str, total: Option<u64>) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        let template = if total.is_some() {
            "{prefix:>12.cyan.bold} [{bar:27}] {bytes:>10}/{total_bytes} {bytes_per_sec} {wide_msg}"
        } else {
            "{prefix:>12.cyan.bold} {bytes:>10} {bytes_per_sec} {wide_msg}"
        };
        let style = ProgressStyle::with_template(template).expect("the template is a constant");
        bar.set_style(style.progress_chars("=> "));
        bar.set_prefix("Fetching");
        bar.set_message(name.to_owned());
        bar
    }

    /// A spinner for a step of unknown length. Drawn on a terminal only.
    #[must_use]
    pub fn spinner(&self, verb: &str, text: &str) -> ProgressBar {
        if !self.progress {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{prefix:>12.cyan.bold} {spinner} {wide_msg} {elapsed}")
                .expect("the template is a constant");
        bar.set_style(style);
        bar.set_prefix(verb.to_owned());
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        bar
    }

    fn line(&self, style: Style, verb: &str, text: &str) {
        self.err(&format!("{style}{verb:>12}{style:#} {text}"));
    }

    fn err(&self, text: &str) {
        if let Some(lines) = &self.captured {
            let plain = anstream::adapter::strip_str(text).to_string();
            lines.lock().expect("no panic while speaking").push(plain);
            return;
        }
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// A JSON message: its fields, and the `reason` that tells it apart.
pub trait Message: Serialize {
    /// The value of `"reason"`, kebab-case and permanent.
    const REASON: &'static str;
}

#[derive(Serialize)]
struct Envelope<'a, M> {
    version: u32,
    reason: &'static str,
    #[serde(flatten)]
    message: &'a M,
}

macro_rules! messages {
    ($($name:ident = $reason:literal { $($field:ident: $kind:ty),* })*) => {$(
        #[derive(Serialize)]
        struct $name<'a> { $($field: $kind),* }
        impl Message for $name<'_> { const REASON: &'static str = $reason; }
    )*};
}

messages! {
    StatusMessage = "status" { verb: &'a str, text: &'a str }
    NoteMessage = "note" { level: &'a str, text: &'a str }
    ErrorMessage = "error" { error: &'a [String], hint: Option<&'a str> }
}

/// One line that says what to do, carried in an error chain beside the causes.
#[derive(Debug, Clone, thiserror::Error)]
#[error("hint: {0}")]
pub struct Hint(pub String);

/// Adds a hint to an error.
pub trait WithHint<T> {
    /// The error, with one line that says what to do.
    ///
    /// # Errors
    /// The error it was given.
    fn hint(self, text: impl FnOnce() -> String) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> WithHint<T> for Result<T, E> {
    fn hint(self, text: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| error.into().context(Hint(text())))
    }
}

/// An error as one line of a larger message: its chain without hints.
#[must_use]
pub fn one_line(error: &anyhow::Error) -> String {
    let text = split_hint(error).0.join(": ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The chain without hints, and the outermost hint: the one nearest to the user.
fn split_hint(error: &anyhow::Error) -> (Vec<String>, Option<String>) {
    let mut hint = None;
    let mut chain: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // anyhow hides the type of a context from `chain`; its text is unmistakable.
        match text.strip_prefix("hint: ") {
            Some(line) => hint = hint.or_else(|| Some(line.to_owned())),
            // Some libraries repeat their source in their own text.
            None if chain.last().is_some_and(|last| last.ends_with(&text)) => {}
            None => chain.push(text),
        }
    }
    (chain, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn an_error_shows_its_chain_and_one_hint() {
        let reporter = Reporter::captured();
        let error = Err::<(), _>(std::io::Error::other("disk on fire"))
            .hint(|| "buy a new disk".to_owned())
            .context("can't write `x`")
            .unwrap_err();
        reporter.error(&error);
        assert_eq!(
            reporter.lines(),
            ["error: can't write `x`", "  caused by: disk on fire", "hint: buy a new disk"]
        );
    }

    #[test]
    fn json_messages_carry_version_and_reason() {
        let reporter = Reporter { format: MessageFormat::Json, ..Reporter::captured() };
        reporter.status("Fetching", "x");
        assert_eq!(
            reporter.lines(),
            [r#"{"version":1,"reason":"status","verb":"Fetching","text":"x"}"#]
        );
    }
}
