//! `cargo pywasm post-link`: runs the post-link steps on a module.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::config::Workspace;
use crate::exit::Exit;
use crate::project::{self, Linked};
use pywasm_audit::Input;
use pywasm_post_link::{self as post_link, Files, Plan, Request, Step, Surroundings};
use pywasm_session::{Message, WithHint};
use pywasm_store::Ctx;

/// Prepare a linked module for its host: rewire, optimize, audit, compress
///
/// The steps run in this order: rewire, snapshot, candid, gc, wasm-opt, strip, audit, gzip. Without
/// FILE, processes the project's most recently built modules and writes the results to
/// `target/pywasm/PROFILE/`. A second run changes nothing. Prints the paths of the output files.
/// Exits with 1 and writes nothing if the audit finds an error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Module to read
    #[arg(value_name = "FILE")]
    file: Option<Utf8PathBuf>,
    /// Step to run; may be repeated: rewire, snapshot, candid, gc, wasm-opt, strip, audit, gzip
    /// [default: the project's `post-link`, else gc, wasm-opt, strip and gzip]
    #[arg(long = "step", value_name = "NAME")]
    steps: Vec<Step>,
    /// Output file; the compressed module is FILE.gz
    #[arg(short, long, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
    /// Host policy for the audit and for the limits in the report; adds the step `audit` [default:
    /// the project's `policy`, else wasip1]
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Fail if `wasm-opt` is missing and cannot be fetched, instead of skipping the step
    #[arg(long)]
    require_wasm_opt: bool,
    /// Print the plan without running it
    #[arg(long)]
    dry_run: bool,
}

/// The default steps. They suit any host.
const DEFAULT: [Step; 4] = [Step::Gc, Step::WasmOpt, Step::Strip, Step::Gzip];

/// Runs the command.
///
/// # Errors
/// When the file is not a module, a step fails, or the output cannot be written.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let asked = asked(args, &workspace)?;
    let mut plan = Plan::new(&asked, &surroundings(&asked, &ctx.cwd, ctx)?, ctx)?;
    let files = files(args, &workspace)?;
    if args.dry_run {
        dry_run(&files, &plan, ctx);
        return Ok(Exit::Success);
    }
    plan.fetch_optimizer(ctx)?;
    finish(files.into_iter().map(|files| (files, &plan)).collect(), ctx)
}

/// Returns the information that a plan needs about the project that `dir` belongs to.
pub(super) fn surroundings(
    asked: &Request,
    dir: &Utf8Path,
    ctx: &Ctx,
) -> anyhow::Result<Surroundings> {
    let linked = Linked::find(dir)?;
    let installation = linked.as_ref().map(|linked| linked.installation.clone());
    #[cfg(feature = "runtime")]
    {
        let needs_stdlib = asked.steps.contains(&Step::Snapshot);
        let stdlib = needs_stdlib.then(|| project::stdlib_of(linked.as_ref(), None, ctx));
        Ok(Surroundings { installation, stdlib: stdlib.transpose()?.unwrap_or_default() })
    }
    #[cfg(not(feature = "runtime"))]
    {
        let _ = (asked, ctx);
        Ok(Surroundings { installation })
    }
}

fn asked(args: &Args, workspace: &Workspace<'_>) -> anyhow::Result<Request> {
    let project = workspace.post_link()?;
    let of_project = project.unwrap_or_default();
    let mut steps = args.steps.clone();
    // Steps on the command line replace the project's `post-link` and its `require-wasm-opt`.
    let require_wasm_opt =
        args.require_wasm_opt || (steps.is_empty() && of_project.require_wasm_opt);
    if steps.is_empty() {
        steps = if of_project.steps.is_empty() { DEFAULT.to_vec() } else { of_project.steps };
    }
    let policy = args.policy.clone().or(of_project.policy);
    // The size budget applies only to the result of the project's own steps.
    let budget = of_project.budget.filter(|_| args.steps.is_empty());
    let snapshot = of_project.snapshot;
    let request = Request { steps, policy, require_wasm_opt, budget, snapshot };
    Ok(request.with_implied_steps(args.policy.is_some()))
}

fn files(args: &Args, workspace: &Workspace<'_>) -> anyhow::Result<Vec<Files>> {
    let built = match &args.file {
        Some(file) => vec![file.clone()],
        None => project::built_modules(workspace)?,
    };
    if let Some(output) = &args.output {
        let [one] = &built[..] else {
            return Err(anyhow::anyhow!(
                "`{output}` is one file, but {} modules were built",
                built.len()
            ))
            .hint(|| "specify the module: `cargo pywasm post-link FILE --output FILE`".to_owned());
        };
        return Ok(vec![Files::new(one.clone(), output.clone())]);
    }
    built
        .iter()
        .map(|path| {
            Files::of_project(path)
                .with_context(|| format!("cannot derive an output path from `{path}`"))
                .hint(|| "add `--output FILE`".to_owned())
        })
        .collect()
}

/// Runs a plan on each module and reports the results. If the audit rejects any module, none is
/// written.
///
/// # Errors
/// When a file is not a module, a step fails, or an output cannot be written.
pub(super) fn finish(all: Vec<(Files, &Plan)>, ctx: &Ctx) -> anyhow::Result<Exit> {
    let (mut outcomes, mut written) = (Vec::new(), Vec::new());
    let mut rejected = 0;
    for (files, plan) in all {
        let bytes = Input::read_module(&files.input, &ctx.cwd)?;
        if post_link::is_fresh(&files, &bytes, plan, &ctx.cwd) {
            ctx.reporter.status("Fresh", &files.output);
            files.touch(&ctx.cwd)?;
            post_link::warnings(&files, plan, ctx).iter().for_each(|it| ctx.reporter.warn(it));
            let compressed = plan.steps.contains(&Step::Gzip);
            written.push((files, compressed));
            continue;
        }
        ctx.reporter.status("Finishing", &files.input);
        let mut outcome = post_link::run(&bytes, plan)
            .with_context(|| format!("cannot finish `{}`", files.input))?;
        post_link::sizes(&files, &bytes, &mut outcome, plan, ctx)
            .with_context(|| format!("cannot measure `{}`", files.output))?;
        post_link::report(&files, &outcome, plan, &ctx.reporter);
        rejected += usize::from(outcome.is_rejected());
        written.push((files.clone(), outcome.compressed.is_some()));
        outcomes.push((files, outcome));
    }
    if rejected > 0 {
        ctx.reporter.status("Rejected", "nothing was written");
        return Ok(Exit::Findings);
    }
    Files::write(&outcomes, &ctx.cwd)?;
    for (files, is_compressed) in &written {
        let compressed = is_compressed.then(|| files.compressed());
        if ctx.reporter.is_json() {
            let (input, output) = (&files.input, &files.output);
            ctx.reporter.json(&Written { compressed, input, output });
            continue;
        }
        ctx.reporter.data(&files.output);
        if let Some(compressed) = compressed {
            ctx.reporter.data(compressed);
        }
    }
    Ok(Exit::Success)
}

fn dry_run(files: &[Files], plan: &Plan, ctx: &Ctx) {
    if ctx.reporter.is_json() {
        let about = plan.about().into_iter();
        let steps = about.map(|(step, about)| Planned { about, step }).collect();
        let files = files.iter().map(|it| Place { input: &it.input, output: &it.output }).collect();
        return ctx.reporter.json(&Planning { files, steps });
    }
    for one in files {
        ctx.reporter.data(format!("{} -> {}", one.input, one.output));
    }
    ctx.reporter.data(plan.text().trim_end());
}

#[derive(Serialize)]
struct Written<'a> {
    compressed: Option<Utf8PathBuf>,
    input: &'a Utf8Path,
    output: &'a Utf8Path,
}

impl Message for Written<'_> {
    const REASON: &'static str = "post-link-written";
}

#[derive(Serialize)]
struct Planning<'a> {
    files: Vec<Place<'a>>,
    steps: Vec<Planned>,
}

#[derive(Serialize)]
struct Place<'a> {
    input: &'a Utf8Path,
    output: &'a Utf8Path,
}

#[derive(Serialize)]
struct Planned {
    about: String,
    step: Step,
}

impl Message for Planning<'_> {
    const REASON: &'static str = "post-link-plan";
}
