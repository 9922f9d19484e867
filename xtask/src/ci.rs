//! `cargo xtask ci`: runs every check that a change must pass, the fastest first.

use xshell::Shell;

use crate::checks::Profile;
use crate::steps::Steps;
use crate::{checks, e2e, setup, tool};

/// The Cargo profile of all checks in `ci` and `nightly`.
pub(crate) const PROFILE: Profile = Profile::EndToEnd;

pub(crate) fn run() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(tool::root());
    Steps::record(|steps| {
        static_checks(steps, &shell)?;
        steps.run("tests", || checks::tests::run(&shell, PROFILE))?;
        e2e::run(&e2e::Args::default(), steps, &shell)
    })
}

/// Runs the checks that neither run tests nor build Python.
pub(crate) fn static_checks(steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    steps.run("setup", || setup::run(shell))?;
    steps.run("format", || checks::format::run(shell))?;
    steps.run("lock files", || checks::locks::run(shell))?;
    steps.run("lints", || checks::lints::run(shell, PROFILE))?;
    steps.run("lints: default features", || checks::lints::default_features(shell, PROFILE))?;
    steps.run("rustdoc", || checks::rustdoc::run(shell, PROFILE))?;
    steps.run("packages", || checks::packages::run(shell))?;
    steps.run("fuzz targets", || checks::fuzz::check(shell, PROFILE))?;
    checks::msrv::run(steps, shell, checks::msrv::Set::Small)?;
    steps.run("unused dependencies", || checks::unused::run(shell))?;
    steps.run("PocketIC tests: compile", || checks::pocket_ic::check(shell, PROFILE))
}
