//! Finds the wasm modules that Cargo built, by reading Cargo's JSON messages.

use std::io::BufRead;

use camino::Utf8PathBuf;
use cargo_metadata::{Message, TargetKind};

/// A wasm module that Cargo built or found to be up to date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The path of the package's Cargo.toml.
    pub manifest: Utf8PathBuf,
    /// The path of the module.
    pub path: Utf8PathBuf,
}

/// The recipient of Cargo's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Only this tool. The string is the value for `--message-format` that makes Cargo print JSON
    /// messages and still render diagnostics.
    Internal(&'static str),
    /// This tool and the user, whose arguments request JSON messages.
    Forwarded,
}

/// JSON messages, with diagnostics rendered as usual.
const RENDERED: &str = "json-render-diagnostics";

/// JSON messages, with short rendered diagnostics.
const SHORT: &str = "json-render-diagnostics,json-diagnostic-short";

impl Format {
    /// Removes `--message-format` from the user's arguments for Cargo unless the option requests
    /// JSON, because Cargo prints no JSON messages with any other value.
    pub(super) fn extract(args: &mut Vec<String>) -> Self {
        const OPTION: &str = "--message-format";
        let index = args.iter().take_while(|arg| *arg != "--").position(|arg| {
            arg == OPTION || arg.strip_prefix(OPTION).is_some_and(|rest| rest.starts_with('='))
        });
        let Some(index) = index else { return Self::Internal(RENDERED) };
        let (value, count) = match args[index].split_once('=') {
            Some((_, value)) => (value.to_owned(), 1),
            None => (args.get(index + 1).cloned().unwrap_or_default(), 2),
        };
        match value.as_str() {
            "human" | "short" => {
                args.drain(index..(index + count).min(args.len()));
                Self::Internal(if value == "short" { SHORT } else { RENDERED })
            }
            // Either the value requests JSON, or Cargo will reject it.
            _ => Self::Forwarded,
        }
    }
}

/// Reads Cargo's stdout to the end and returns the commands and reactors among the artifacts,
/// sorted and without duplicates. Calls `on_line` for each line; the second argument is true if the
/// line is a JSON message.
///
/// # Errors
/// When reading fails.
pub(super) fn read(
    stdout: impl BufRead,
    mut on_line: impl FnMut(&str, bool),
) -> std::io::Result<Vec<Artifact>> {
    let mut found = Vec::new();
    for line in stdout.split(b'\n') {
        let line = line?;
        let message = Message::parse_stream(&line[..]).next().and_then(Result::ok);
        let text = String::from_utf8_lossy(&line);
        on_line(text.trim_end_matches('\r'), !matches!(message, None | Some(Message::TextLine(_))));
        let Some(Message::CompilerArtifact(artifact)) = message else { continue };
        let is_module = |kind: &TargetKind| matches!(kind, TargetKind::Bin | TargetKind::CDyLib);
        // A target built as a test is not a module of the project.
        if artifact.profile.test || !artifact.target.kind.iter().any(is_module) {
            continue;
        }
        let modules = artifact.filenames.into_iter();
        let modules = modules.filter(|path| path.extension() == Some("wasm"));
        found.extend(
            modules.map(|path| Artifact { manifest: artifact.manifest_path.clone(), path }),
        );
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an artifact message in the form that Cargo 1.97 prints.
    fn artifact(name: &str, kind: &str, file: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///p/{name}#0.1.0","manifest_path":"/p/{name}/Cargo.toml","target":{{"kind":["{kind}"],"crate_types":["{kind}"],"name":"{name}","src_path":"/p/{name}/src/lib.rs","edition":"2024","doc":true,"doctest":false,"test":true}},"profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false}},"features":[],"filenames":["{file}"],"executable":null,"fresh":false}}"#
        )
    }

    #[test]
    fn modules_are_commands_and_reactors() {
        let dir = "/p/target/wasm32-wasip1/debug";
        let lines = [
            artifact("z", "bin", &format!("{dir}/z.wasm")),
            "not a message".to_owned(),
            artifact("a", "cdylib", &format!("{dir}/a.wasm")),
            artifact("a", "cdylib", &format!("{dir}/a.wasm")),
            artifact("b", "lib", &format!("{dir}/libb.rlib")),
            artifact("c", "custom-build", "/p/target/debug/build/c/build-script-build"),
            artifact("d", "example", &format!("{dir}/examples/d.wasm")),
            artifact("e", "bin", &format!("{dir}/e.wasm"))
                .replace("\"test\":false}", "\"test\":true}"),
            r#"{"reason":"a-reason-of-tomorrow","x":1}"#.to_owned(),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let mut seen = Vec::new();
        let found = read(lines.join("\n").as_bytes(), |line, is_message| {
            seen.push((line.to_owned(), is_message));
        });
        let found: Vec<String> =
            found.unwrap().iter().map(|it| format!("{} {}", it.manifest, it.path)).collect();
        assert_eq!(
            found,
            [format!("/p/a/Cargo.toml {dir}/a.wasm"), format!("/p/z/Cargo.toml {dir}/z.wasm")]
        );
        let texts: Vec<&String> = seen.iter().map(|(line, _)| line).collect();
        assert_eq!(texts, lines.iter().collect::<Vec<_>>(), "every line is passed on");
        assert!(seen[0].1 && !seen[1].1);
    }

    #[test]
    fn format_other_than_json_is_translated() {
        let of = |text: &str| {
            let mut args: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let format = Format::extract(&mut args);
            (format, args.join(" "))
        };
        let internal = |text: &str| (Format::Internal(RENDERED), text.to_owned());
        assert_eq!(of("--release"), internal("--release"));
        assert_eq!(of("--message-format human --release"), internal("--release"));
        assert_eq!(of("--message-format=human"), internal(""));
        assert_eq!(of("--message-format short -q"), (Format::Internal(SHORT), "-q".to_owned()));
        for json in [
            "--message-format json",
            "-q --message-format=json-diagnostic-short",
            "--message-format",
        ] {
            assert_eq!(of(json), (Format::Forwarded, json.to_owned()));
        }
        assert_eq!(of("-- --message-format short").0, Format::Internal(RENDERED));
    }
}
