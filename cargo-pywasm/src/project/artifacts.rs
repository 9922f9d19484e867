//! What Cargo says while it builds: which modules it has made, of which crates.

use std::io::BufRead;

use camino::Utf8PathBuf;
use cargo_metadata::{Message, TargetKind};

/// A module that Cargo has made, or found made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Artifact {
    /// The Cargo.toml of its crate.
    pub manifest: Utf8PathBuf,
    /// The module.
    pub path: Utf8PathBuf,
}

/// Who sees Cargo's messages beside us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Nobody: Cargo tells people what there is to tell. With the words that Cargo is called with.
    Ours(&'static str),
    /// The user, who asked for them in words of Cargo's.
    Theirs,
}

/// Messages for us, and diagnostics for people as Cargo always writes them.
const FOR_PEOPLE: &str = "json-render-diagnostics";

/// The same where people asked for short ones.
const SHORT: &str = "json-render-diagnostics,json-diagnostic-short";

impl Format {
    /// Takes a `--message-format` that is not JSON out of the user's words for Cargo: it can't be
    /// had beside messages.
    pub(super) fn of(words: &mut Vec<String>) -> Self {
        const OPTION: &str = "--message-format";
        let place = words.iter().take_while(|word| *word != "--").position(|word| {
            word == OPTION || word.strip_prefix(OPTION).is_some_and(|rest| rest.starts_with('='))
        });
        let Some(place) = place else { return Self::Ours(FOR_PEOPLE) };
        let (value, count) = match words[place].split_once('=') {
            Some((_, value)) => (value.to_owned(), 1),
            None => (words.get(place + 1).cloned().unwrap_or_default(), 2),
        };
        match value.as_str() {
            "human" | "short" => {
                words.drain(place..(place + count).min(words.len()));
                Self::Ours(if value == "short" { SHORT } else { FOR_PEOPLE })
            }
            // JSON of some form; of anything else Cargo says that it does not know it.
            _ => Self::Theirs,
        }
    }
}

/// Reads Cargo's stdout to its end: the commands and reactors that are modules, sorted, each once. Each
/// line is shown to `see`, with whether it is a message rather than text.
///
/// # Errors
/// When it can't be read.
pub(super) fn read(
    stdout: impl BufRead,
    mut see: impl FnMut(&str, bool),
) -> std::io::Result<Vec<Artifact>> {
    let mut found = Vec::new();
    for line in stdout.split(b'\n') {
        let line = line?;
        let message = Message::parse_stream(&line[..]).next().and_then(Result::ok);
        let text = String::from_utf8_lossy(&line);
        see(text.trim_end_matches('\r'), !matches!(message, None | Some(Message::TextLine(_))));
        let Some(Message::CompilerArtifact(artifact)) = message else { continue };
        let is_module = |kind: &TargetKind| matches!(kind, TargetKind::Bin | TargetKind::CDyLib);
        // `cargo test` makes another module of the same target.
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

    /// A message as Cargo 1.97 writes it.
    fn artifact(name: &str, kind: &str, file: &str) -> String {
        format!(
            r#"{{"reason":"compiler-artifact","package_id":"path+file:///p/{name}#0.1.0","manifest_path":"/p/{name}/Cargo.toml","target":{{"kind":["{kind}"],"crate_types":["{kind}"],"name":"{name}","src_path":"/p/{name}/src/lib.rs","edition":"2024","doc":true,"doctest":false,"test":true}},"profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false}},"features":[],"filenames":["{file}"],"executable":null,"fresh":false}}"#
        )
    }

    #[test]
    fn modules_are_those_of_commands_and_reactors() {
        let place = "/p/target/wasm32-wasip1/debug";
        let lines = [
            artifact("z", "bin", &format!("{place}/z.wasm")),
            "not a message".to_owned(),
            artifact("a", "cdylib", &format!("{place}/a.wasm")),
            artifact("a", "cdylib", &format!("{place}/a.wasm")),
            artifact("b", "lib", &format!("{place}/libb.rlib")),
            artifact("c", "custom-build", "/p/target/debug/build/c/build-script-build"),
            artifact("d", "example", &format!("{place}/examples/d.wasm")),
            artifact("e", "bin", &format!("{place}/e.wasm"))
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
            [format!("/p/a/Cargo.toml {place}/a.wasm"), format!("/p/z/Cargo.toml {place}/z.wasm")]
        );
        let texts: Vec<&String> = seen.iter().map(|(line, _)| line).collect();
        assert_eq!(texts, lines.iter().collect::<Vec<_>>(), "every line is handed on");
        assert!(seen[0].1 && !seen[1].1);
    }

    #[test]
    fn a_format_that_is_not_json_is_given_in_another_way() {
        let of = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let format = Format::of(&mut words);
            (format, words.join(" "))
        };
        let ours = |text: &str| (Format::Ours(FOR_PEOPLE), text.to_owned());
        assert_eq!(of("--release"), ours("--release"));
        assert_eq!(of("--message-format human --release"), ours("--release"));
        assert_eq!(of("--message-format=human"), ours(""));
        assert_eq!(of("--message-format short -q"), (Format::Ours(SHORT), "-q".to_owned()));
        for theirs in [
            "--message-format json",
            "-q --message-format=json-diagnostic-short",
            "--message-format",
        ] {
            assert_eq!(of(theirs), (Format::Theirs, theirs.to_owned()));
        }
        assert_eq!(of("-- --message-format short").0, Format::Ours(FOR_PEOPLE));
    }
}
