//! The grouped list of subcommands in `cargo pywasm --help`.

use std::fmt::Write as _;

/// The groups of subcommands, in the order in which they are listed.
const GROUPS: &[(&str, &[&str])] = &[
    ("Everyday commands", &["new", "init", "install", "build", "run", "test", "doctor"]),
    ("Commands for Python packages", &["add", "remove", "lock", "tree"]),
    (
        "Commands for modules",
        &[
            "run-wasm",
            "snapshot",
            "audit-imports",
            "size",
            "post-link",
            "freeze",
            "emit-stubs",
            "rewire",
        ],
    ),
    ("Commands for canisters", &["canister", "candid"]),
    (
        "Maintenance",
        &[
            "list",
            "uninstall",
            "verify",
            "recipe",
            "toolchain",
            "env",
            "cache",
            "completions",
            "man",
        ],
    ),
];

/// Splits the list of subcommands in the help of `command` into one list per group.
pub(super) fn grouped(command: clap::Command) -> clap::Command {
    let mut template = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (title, names) in GROUPS {
        let found = names.iter().filter_map(|name| command.find_subcommand(name));
        let lines: Vec<String> = found
            .filter(|it| !it.is_hide_set())
            .map(|it| {
                let about = it.get_about().map(ToString::to_string).unwrap_or_default();
                format!("  {:<14} {about}", it.get_name())
            })
            .collect();
        if !lines.is_empty() {
            let _ = write!(template, "\n{title}:\n{}\n", lines.join("\n"));
        }
    }
    template.push_str("\nGlobal options:\n{options}{after-help}");
    command
        .help_template(template)
        .after_help("`cargo pywasm COMMAND --help` describes a command and its options.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_subcommand_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        grouped.sort_unstable();
        let command = Cli::command();
        let visible = command.get_subcommands().filter(|it| !it.is_hide_set());
        for subcommand in visible {
            let count = grouped.iter().filter(|name| **name == subcommand.get_name()).count();
            assert_eq!(count, 1, "{}", subcommand.get_name());
        }
    }

    #[test]
    fn help_lists_groups_and_global_options() {
        let help = grouped(Cli::command()).render_help().to_string();
        for part in [
            "Everyday commands:\n  new ",
            "Maintenance:\n",
            "Global options:\n",
            "--offline",
            "--help",
        ] {
            assert!(help.contains(part), "{part} is not in:\n{help}");
        }
    }
}
