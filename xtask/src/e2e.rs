//! End-to-end tests with real sources, a real compiler, and CPython's own tests.
//!
//! `ci` installs each recipe once. The whole test matrix adds more CPython releases, the recipe
//! `speed` for CPython 3.13, and tests that need another build of Python.

mod asyncio;
mod candidate;
mod declared;
mod install;
mod slice;
mod unseeded;

use xshell::Shell;

use crate::checks::tests::installed;
use crate::steps::{Background, Steps};
use crate::tool::{Tool, e2e_store, root};
use crate::{embed, modules};
use slice::{FALLBACKS, SLICE, SLOW};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Reuse the store of an earlier run
    #[arg(long)]
    warm: bool,
    /// Run the whole test matrix, as `nightly` does
    #[arg(long)]
    matrix: bool,
    /// CPython test files to run. Without --matrix, recipe `full` runs all of these files, and the
    /// other recipes only some of them
    #[arg(long, value_delimiter = ',', default_values = SLICE)]
    tests: Vec<String>,
}

impl Default for Args {
    fn default() -> Self {
        let tests = SLICE.iter().map(|name| (*name).to_owned()).collect();
        Self { warm: false, matrix: false, tests }
    }
}

impl Args {
    /// Returns the arguments for the whole test matrix.
    pub(crate) fn matrix() -> Self {
        Self { matrix: true, ..Self::default() }
    }
}

/// Runs only the end-to-end tests.
pub(crate) fn alone(args: &Args) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root());
    Steps::record(|steps| run(args, steps, &shell))
}

pub(crate) fn run(args: &Args, steps: &mut Steps, shell: &Shell) -> anyhow::Result<()> {
    let store = e2e_store();
    if !args.warm && store.exists() {
        std::fs::remove_dir_all(&store)?;
    }
    let tool = steps.run("build the tool", || Tool::tested(shell, &store))?;

    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let fast: Vec<_> =
        args.tests.iter().filter(|name| !SLOW.contains(&name.as_str())).cloned().collect();
    let on_default = if args.matrix { args.tests.clone() } else { names(FALLBACKS) };
    // An empty list would select all of CPython's tests.
    let on_speed = if args.matrix || fast.is_empty() { args.tests.clone() } else { fast };

    // Many of the steps below use one processor. CPython's tests run beside them.
    let default = steps.run("install default", || install::default(&tool))?;
    let full = steps.run("install full, interrupted", || install::interrupted(&tool))?;
    let verify_full = start_verify(&tool, steps, "3.13", "full", &args.tests)?;
    let speed = steps.run("install speed 3.14", || install::speed(&tool, "3.14"))?;
    let asyncio_full = asyncio::start(&tool, steps, ("3.13", "full"), &tool.source_tree(&full)?)?;
    let asyncio_speed =
        asyncio::start(&tool, steps, ("3.14", "speed"), &tool.source_tree(&speed)?)?;
    steps.run("tests of installations", || {
        let embedded: &[_] = if args.matrix { &[&default, &full] } else { &[&default] };
        for (module, installations) in [
            ("directories", &[&full][..]),
            ("embed", embedded),
            ("freeze", &[&full]),
            ("library", &[&default, &speed]),
            ("size", &[&default]),
            ("snapshot", &[&speed]),
            ("sources", &[&full]),
            ("stubs", &[&full]),
        ] {
            for installation in installations {
                installed(shell, module, installation)?;
            }
        }
        Ok(())
    })?;
    steps.run("modules in the guide", || modules::check(&[&default, &full]))?;
    steps.finish(asyncio_full)?;
    steps.finish(asyncio_speed)?;
    steps.finish(verify_full)?;
    let verify_speed = start_verify(&tool, steps, "3.14", "speed", &on_speed)?;
    let verify_default = start_verify(&tool, steps, "3.13", "default", &on_default)?;
    embed::run(&tool, &full, args.matrix, steps)?;
    let newest = candidate::install(&tool, steps)?;
    if let Some(newest) = &newest {
        steps.run("tests of installations, 3.15", || {
            ["freeze", "library"].iter().try_for_each(|it| installed(shell, it, newest))
        })?;
        steps.run("recursion, 3.15", || embed::recursion::on_default_host(&tool, newest, &[]))?;
    }
    steps.run("recursion, speed 3.14", || embed::recursion::on_default_host(&tool, &speed, &[]))?;
    steps.finish(verify_default)?;
    steps.finish(verify_speed)?;
    if args.matrix {
        matrix(args, steps, &tool)?;
        let newest = newest.map(|_| ("3.15", "full"));
        let others = [("3.13", "full"), ("3.13", "speed"), ("3.14", "full")];
        for (version, recipe) in others.into_iter().chain(newest) {
            steps.run(&format!("CPython's whole test suite, {recipe} {version}"), || {
                let args = ["verify", "--python", version, "--recipe", recipe, "--tests"];
                Ok(tool.call(&args).run()?)
            })?;
        }
    }
    Ok(())
}

/// Runs the part of the test matrix that `ci` leaves out.
fn matrix(args: &Args, steps: &mut Steps, tool: &Tool<'_>) -> anyhow::Result<()> {
    steps.run("install full 3.13.5", || install::install(tool, "3.13.5", "full"))?;
    let full = steps.run("install full 3.14", || install::install(tool, "3.14", "full"))?;
    let speed = steps.run("install speed 3.13", || install::speed(tool, "3.13"))?;
    let verify = start_verify(tool, steps, "3.13", "speed", &args.tests)?;
    steps.run("tests of installations, matrix", || {
        for (module, installation) in [
            ("embed", &speed),
            ("freeze", &full),
            ("library", &speed),
            ("library", &full),
            ("size", &full),
            ("snapshot", &speed),
            ("snapshot", &full),
            ("stubs", &full),
        ] {
            installed(tool.shell(), module, installation)?;
        }
        Ok(())
    })?;
    steps.run("modules in the guide, 3.14", || modules::check(&[&full]))?;
    steps.run("recursion, full 3.14", || embed::recursion::on_default_host(tool, &full, &[]))?;
    steps.run("install with declared stubs", || declared::run(tool))?;
    steps.run("install without a seed", || unseeded::run(tool))?;
    steps.finish(verify)
}

/// Starts running CPython test files on an installation, one file at a time.
fn start_verify(
    tool: &Tool<'_>,
    steps: &Steps,
    version: &str,
    recipe: &str,
    tests: &[String],
) -> anyhow::Result<Background> {
    let tests = tests.iter().map(String::as_str);
    let tests: Vec<&str> = tests.filter(|name| slice::has(version, name)).collect();
    let args = ["verify", "--jobs", "1", "--python", version, "--recipe", recipe, "--tests"];
    let command = tool.call(&[&args[..], &tests].concat());
    steps.start(&format!("CPython's tests, {recipe} {version}"), command)
}
