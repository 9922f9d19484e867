//! Output: status lines in Cargo's style, progress bars and JSON messages.
//!
//! Data goes to stdout, everything else to stderr.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::hint::{hint_of, messages};
use crate::message::{ErrorMessage, Message, NoteMessage, StatusMessage, line};

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum MessageFormat {
    /// Human-readable lines on stderr, and data on stdout.
    #[default]
    Human,
    /// One JSON object per line on stdout, each with `"version": 1` and a `"reason"`.
    Json,
}

/// Writes everything that the user sees. Clones share their state.
#[derive(Clone, Debug)]
pub struct Reporter {
    format: MessageFormat,
    quiet: bool,
    progress: bool,
    /// The captured lines, or `None` if the output goes to the real streams.
    captured: Option<Arc<Mutex<Vec<String>>>>,
    /// The first error that occurred when writing to stdout.
    failed: Arc<Mutex<Option<std::io::Error>>>,
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const FAIL: Style = AnsiColor::Red.on_default().bold();

impl Reporter {
    /// Creates a reporter for the real streams. Progress bars are drawn only on a terminal.
    #[must_use]
    pub fn new(format: MessageFormat, quiet: bool) -> Self {
        let progress = format == MessageFormat::Human && !quiet && std::io::stderr().is_terminal();
        Self { format, quiet, progress, captured: None, failed: Arc::default() }
    }

    /// Creates a reporter that keeps its lines in memory, for tests.
    #[must_use]
    pub fn captured() -> Self {
        Self {
            format: MessageFormat::Human,
            quiet: false,
            progress: false,
            captured: Some(Arc::default()),
            failed: Arc::default(),
        }
    }

    /// Returns true if the output is limited to warnings, errors and data.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns the lines kept by [`Reporter::captured`].
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.captured
            .as_ref()
            .map(|lines| lines.lock().expect("no panic while printing").clone())
            .unwrap_or_default()
    }

    /// Returns true if the message format is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.format == MessageFormat::Json
    }

    /// Prints a status line about a step that begins or has ended, such as
    /// `Fetching Python-3.13.15.tar.xz (23.2 MB)`.
    pub fn status(&self, verb: &str, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.is_json() {
            return self.json(&StatusMessage { verb, text });
        }
        if !self.quiet {
            self.line(GOOD, verb, text);
        }
    }

    /// Prints information that requires no action.
    pub fn note(&self, text: impl AsRef<str>) {
        if self.is_json() {
            return self.json(&NoteMessage { level: "note", text: text.as_ref() });
        }
        if !self.quiet {
            self.err(&format!("{NOTE}note{NOTE:#}: {}", text.as_ref()));
        }
    }

    /// Prints a warning about something that the user probably did not intend.
    pub fn warn(&self, text: impl AsRef<str>) {
        if self.is_json() {
            return self.json(&NoteMessage { level: "warning", text: text.as_ref() });
        }
        self.err(&format!("{WARN}warning{WARN:#}: {}", text.as_ref()));
    }

    /// Prints the error that ends the run: its chain, outermost first, and its hint.
    pub fn error(&self, error: &anyhow::Error) {
        let (chain, hint) = (messages(error), hint_of(error));
        if self.is_json() {
            return self.json(&ErrorMessage { error: &chain, hint });
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

    /// Prints human-readable lines, such as a table, to stderr. `--quiet` suppresses them.
    pub fn report(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.failure(text);
        }
    }

    /// Prints the reasons for a failure to stderr, even with `--quiet`.
    pub fn failure(&self, text: impl AsRef<str>) {
        text.as_ref().lines().for_each(|line| self.err(line));
    }

    /// Prints data to stdout. If the write fails, [`Reporter::finish`] returns the error.
    pub fn data(&self, text: impl AsRef<str>) {
        if let Some(lines) = &self.captured {
            lines.lock().expect("no panic while printing").push(text.as_ref().to_owned());
            return;
        }
        if let Err(error) = writeln!(anstream::stdout().lock(), "{}", text.as_ref()) {
            self.keep(error);
        }
    }

    /// Prints a JSON message to stdout, even if the message format is not JSON, because some
    /// commands always print JSON.
    pub fn json<M: Message>(&self, message: &M) {
        match line(message) {
            Ok(text) => self.data(text),
            Err(error) => self.keep(error.into()),
        }
    }

    /// Flushes stdout and returns the first error that occurred when writing to it.
    ///
    /// # Errors
    /// When data could not be written. A pipe closed by its reader is not an error.
    pub fn finish(&self) -> std::io::Result<()> {
        if self.captured.is_none()
            && let Err(error) = std::io::stdout().flush()
        {
            self.keep(error);
        }
        let first = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.map_or(Ok(()), Err)
    }

    fn keep(&self, error: std::io::Error) {
        if error.kind() != ErrorKind::BrokenPipe {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// Creates a progress bar for `total` bytes, or a counter if the total is unknown.
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

    /// Creates a spinner for a step of unknown length.
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
            lines.lock().expect("no panic while printing").push(plain);
            return;
        }
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WithHint;
    use anyhow::Context;

    #[test]
    fn error_shows_its_chain_and_one_hint() {
        let reporter = Reporter::captured();
        let error = Err::<(), _>(std::io::Error::other("disk full"))
            .hint(|| "free some space".to_owned())
            .context("cannot write `x`")
            .unwrap_err();
        reporter.error(&error);
        assert_eq!(
            reporter.lines(),
            ["error: cannot write `x`", "  caused by: disk full", "hint: free some space"]
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
