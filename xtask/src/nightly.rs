//! `cargo xtask nightly`: runs everything in `ci`, the whole test matrix, and checks that take
//! too long to run for each change.

use xshell::Shell;

use crate::steps::Steps;
use crate::{bench, checks, ci, e2e, packages, tool};

type Group = fn(&mut Steps, &Shell) -> anyhow::Result<()>;

/// The groups of checks. They are independent: if one fails, the others still run.
const GROUPS: [(&str, Group); 6] = [
    ("static checks", checks_of_the_source),
    ("tests", tests),
    ("end to end", end_to_end),
    ("Python packages", python_packages),
    ("PocketIC", pocket_ic),
    ("benchmarks", benchmarks),
];

pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(tool::root());
    Steps::record(|steps| {
        let mut failed = Vec::new();
        for (name, group) in GROUPS {
            if let Err(error) = group(steps, &shell) {
                eprintln!("\nerror: {name}: {error:#}");
                failed.push(name);
            }
        }
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    })
}

fn checks_of_the_source(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    ci::static_checks(steps, shell)?;
    steps.run("lints: no features", || checks::lints::no_features(shell, ci::PROFILE))?;
    steps.run("packages: build", || checks::packages::verify(shell))?;
    checks::msrv::run(steps, shell, checks::msrv::Set::Large)?;
    steps.run("licences, bans, sources", || checks::deny::offline(shell))?;
    steps.run_unless(checks::deny::unreachable(shell), "advisories", || {
        checks::deny::advisories(shell)
    })?;
    steps.run("guide", || checks::guide::build(shell))
}

fn tests(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    steps.run("tests", || checks::tests::run(shell, ci::PROFILE))?;
    steps.run_unless(checks::fuzz::missing(shell), "fuzzing", || checks::fuzz::run(shell))
}

fn end_to_end(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    e2e::run(&e2e::Args::matrix(), steps, shell)
}

fn python_packages(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    let tool = tool::Tool::tested(shell, &tool::e2e_store())?;
    packages::all(&tool, steps)
}

fn pocket_ic(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    steps.run_unless(checks::pocket_ic::missing(), "PocketIC", || checks::pocket_ic::run(shell))
}

fn benchmarks(steps: &mut Steps, _: &Shell) -> anyhow::Result<()> {
    steps.run("benchmarks", || bench::all(None))
}
