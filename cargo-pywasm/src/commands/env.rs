//! `cargo pywasm env`: prints environment variables for an installation.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::compiler::{self, posix};
use crate::config::{Selection, Workspace};
use crate::exit::Exit;
use crate::installed;
use pywasm_session::Message;
use pywasm_session::variables::WASI_SDK_PATH;
use pywasm_store::Ctx;

/// Print variables that point compilers, PyO3 and build scripts at an installation
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "sh")]
    format: Format,
}

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Commands for `eval` in POSIX shells.
    Sh,
    /// Commands for `source` in fish.
    Fish,
    /// Commands for `Invoke-Expression` in PowerShell.
    Powershell,
    /// One JSON object.
    Json,
    /// Lines for `$GITHUB_ENV` in GitHub Actions.
    Github,
}

#[derive(Serialize)]
struct Variables<'a> {
    variables: &'a BTreeMap<&'static str, String>,
}

impl Message for Variables<'_> {
    const REASON: &'static str = "environment";
}

/// Runs the command.
///
/// # Errors
/// When no installation matches.
pub fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let python = installed::find(&args.selection, &Workspace::new(ctx))?;
    let root = installed::utf8(python.root())?;
    let toolchain = installed::utf8(python.toolchain())?;
    if !toolchain.exists() {
        ctx.reporter.warn(format!(
            "the toolchain of this installation is no longer in `{toolchain}`; \
             `cargo pywasm toolchain install` installs one"
        ));
    }
    let include = installed::utf8(python.include_dir())?;
    let mut variables = compiler::variables(&toolchain, &[format!("-I{include}")]);
    variables.extend([
        ("PYWASM_INSTALLATION", root.to_string()),
        ("PYO3_CONFIG_FILE", root.join("pyo3-config.txt").into_string()),
        (WASI_SDK_PATH, toolchain.to_string()),
        ("WASI_SYSROOT", toolchain.join("share/wasi-sysroot").into_string()),
    ]);
    if args.format == Format::Json || ctx.reporter.is_json() {
        ctx.reporter.json(&Variables { variables: &variables });
        return Ok(Exit::Success);
    }
    for (name, value) in &variables {
        ctx.reporter.data(line(args.format, name, value));
    }
    Ok(Exit::Success)
}

/// Quotes a value for PowerShell. Typographic single quotes also end a quoted string there. Two
/// quotes in a row stand for one, so every kind of single quote is doubled.
/// <https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_quoting_rules>
fn powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        quoted.push(c);
        if matches!(c, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(c);
        }
    }
    quoted.push('\'');
    quoted
}

/// Returns an assignment to a variable, quoted so that any value is preserved.
fn line(format: Format, name: &str, value: &str) -> String {
    match format {
        Format::Sh => format!("export {name}={}", posix(value)),
        // In fish, the backslash is an escape character in single quotes.
        Format::Fish => {
            format!("set -gx {name} '{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
        }
        Format::Powershell => format!("$env:{name} = {}", powershell(value)),
        Format::Github => {
            if value.contains('\n') {
                let mut end = "PYWASM_END".to_owned();
                while value.contains(&end) {
                    end.push('_');
                }
                format!("{name}<<{end}\n{value}\n{end}")
            } else {
                format!("{name}={value}")
            }
        }
        Format::Json => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_each_shell() {
        let value = r"it's a \ path";
        assert_eq!(line(Format::Sh, "X", value), r"export X='it'\''s a \ path'");
        assert_eq!(line(Format::Fish, "X", value), r"set -gx X 'it\'s a \\ path'");
        assert_eq!(line(Format::Powershell, "X", value), r"$env:X = 'it''s a \ path'");
        assert_eq!(line(Format::Github, "X", value), r"X=it's a \ path");
    }

    #[test]
    fn typographic_quotes_are_doubled_for_powershell() {
        let value = "/home/o\u{2019}neil\u{2018}; rm x";
        let expected = "$env:X = '/home/o\u{2019}\u{2019}neil\u{2018}\u{2018}; rm x'";
        assert_eq!(line(Format::Powershell, "X", value), expected);
    }

    #[test]
    fn line_break_cannot_inject_a_github_variable() {
        let value = "a\nPYWASM_END\nEVIL=1";
        let text = line(Format::Github, "X", value);
        assert_eq!(text, "X<<PYWASM_END_\na\nPYWASM_END\nEVIL=1\nPYWASM_END_");
    }

    #[test]
    fn posix_shell_reads_the_value_back() {
        let value = "a 'b' \"c\" $HOME `id` \\ \n d";
        let script = format!("{}\nprintf %s \"$X\"", line(Format::Sh, "X", value));
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
    }
}
