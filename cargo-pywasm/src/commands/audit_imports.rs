//! `cargo pywasm audit-imports`: checks modules and link sets against a host policy.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use camino::Utf8PathBuf;
use pywasm_stubs::Link;

use crate::config::Workspace;
use crate::exit::Exit;
use crate::project;
use pywasm_audit::report::{Audited, Format, Style, report};
use pywasm_audit::{self as audit, Baseline, Code, Content, Given, Input, Policy};
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_wasm::Module;

/// Check for imports that a host would reject, or symbols that a link would leave undefined
///
/// Accepts modules (.wasm, .wasm.gz), objects and archives. All members of an archive are checked,
/// and libc is assumed to be present. In a project, the built modules are checked by default. The
/// exit code is 1 if there are findings.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Modules, objects and archives
    #[arg(value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// The host policy: wasip1, ic, none, or the path of a TOML file [default: the project's
    /// `policy`, else wasip1]
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
    /// Check all files as a single link, in the order given; only the needed members of archives
    /// are linked
    #[arg(long)]
    link: bool,
    /// With --link: a symbol that the link needs even if no file refers to it
    #[arg(long, value_name = "SYMBOL", requires = "link")]
    root: Vec<String>,
    /// With --link: an archive to link before the files, with all its members
    #[arg(long, value_name = "FILE", requires = "link")]
    whole_archive: Vec<Utf8PathBuf>,
    /// The format of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// Show every symbol instead of three per family
    #[arg(long)]
    all: bool,
    /// Accept the findings listed in this file
    #[arg(long, value_name = "FILE")]
    baseline: Option<Utf8PathBuf>,
    /// Write a baseline of all findings and exit successfully
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    write_baseline: Option<Utf8PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When a file, the policy or the baseline cannot be read.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let workspace = Workspace::new(ctx);
    let policy = policy(args.policy.as_deref(), &workspace)?;
    let found =
        if args.link { vec![link(args, &policy, ctx)?] } else { files(args, &policy, &workspace)? };
    let all = || found.iter().flat_map(|one| &one.findings);
    if let Some(path) = &args.write_baseline {
        Baseline::of(all()).write(&ctx.cwd.join(path))?;
        ctx.reporter.status(
            "Accepted",
            match all().count() {
                1 => format!("1 finding, in `{path}`"),
                count => format!("{count} findings, in `{path}`"),
            },
        );
        return Ok(Exit::Success);
    }
    let found = match &args.baseline {
        Some(path) => {
            let baseline = Baseline::read(&ctx.cwd.join(path))?;
            match baseline.unused(all()) {
                0 => {}
                unused => ctx.reporter.warn(format!(
                    "the baseline `{path}` lists {} that the audit no longer reports; rewrite it, or \
                     it will hide these findings if they return",
                    if unused == 1 { "1 finding".to_owned() } else { format!("{unused} findings") }
                )),
            }
            found.into_iter().map(|one| accept(one, &baseline)).collect()
        }
        None => found,
    };
    // If the output is not a terminal, the stream removes the colours.
    let style = Style { all: args.all, colour: true };
    let format = match args.format {
        Format::Human if ctx.reporter.is_json() => Format::Json,
        other => other,
    };
    ctx.reporter.data(report(&found, format, style).trim_end());
    let clean = found.iter().all(|one| one.findings.is_empty());
    Ok(if clean { Exit::Success } else { Exit::Findings })
}

/// Loads the specified policy, else the project's, else the default.
pub(super) fn policy(named: Option<&str>, workspace: &Workspace<'_>) -> anyhow::Result<Policy> {
    let ctx = workspace.ctx();
    match named {
        Some(name) => Policy::load(name, &ctx.cwd),
        None => {
            let name = workspace.policy()?;
            Policy::load(name.as_deref().unwrap_or(audit::DEFAULT), &ctx.cwd)
        }
    }
}

fn accept(one: Audited, baseline: &Baseline) -> Audited {
    let (findings, accepted) = baseline.split(one.findings);
    Audited { findings, accepted, ..one }
}

fn files(args: &Args, policy: &Policy, workspace: &Workspace<'_>) -> anyhow::Result<Vec<Audited>> {
    let ctx = workspace.ctx();
    let built = if args.files.is_empty() { project::built_modules(workspace)? } else { Vec::new() };
    let files = if args.files.is_empty() { &built } else { &args.files };
    let found: anyhow::Result<Vec<Audited>> = files
        .iter()
        .map(|path| {
            let input = Input::read(path, &ctx.cwd)?;
            of_file(input, policy).with_context(|| format!("cannot audit `{path}`"))
        })
        .collect();
    Ok(unused_by_all(found?))
}

/// Removes the findings about policy patterns that one file does not use but another file does.
fn unused_by_all(mut found: Vec<Audited>) -> Vec<Audited> {
    let mut unused: BTreeMap<String, usize> = BTreeMap::new();
    for one in &found {
        let entries = one.findings.iter().filter(|it| it.code == Code::AllowUnused);
        let entries: BTreeSet<&str> = entries.map(|it| it.subject.as_str()).collect();
        for entry in entries {
            *unused.entry(entry.to_owned()).or_default() += 1;
        }
    }
    unused.retain(|_, files| *files == found.len());
    for one in &mut found {
        one.findings.retain(|it| it.code != Code::AllowUnused || unused.contains_key(&it.subject));
    }
    found
}

fn of_file(input: Input, policy: &Policy) -> anyhow::Result<Audited> {
    let findings = match input.content {
        Content::Module(bytes) => audit::module(&Module::read(&bytes)?, Given::default(), policy)?,
        Content::Compressed(bytes, size) => {
            let given = Given { compressed: Some(size), ..Given::default() };
            audit::module(&Module::read(&bytes)?, given, policy)?
        }
        Content::Component => vec![audit::component()],
        Content::Object(object) => audit::alone(vec![*object], policy),
        Content::Archive(members) => audit::alone(members, policy),
    };
    Ok(Audited::new(input.path, &policy.name, findings))
}

fn link(args: &Args, policy: &Policy, ctx: &Ctx) -> anyhow::Result<Audited> {
    let (link, is_linked) = link_set(&args.files, &args.whole_archive, &args.root, ctx)?;
    if !is_linked {
        return Err(anyhow::anyhow!("nothing is linked, because no archive member is needed"))
            .hint(|| "add an object, `--root SYMBOL` or `--whole-archive FILE`".to_owned());
    }
    let closure = link.closure();
    let findings = audit::link(&closure, policy);
    let pulled = Some(closure.pulled);
    Ok(Audited { pulled, ..Audited::new("link set", &policy.name, findings) })
}

/// Returns the link set that the arguments describe. The boolean is false if nothing is linked,
/// because the set contains only archives and none of their members is needed.
pub(super) fn link_set(
    files: &[Utf8PathBuf],
    whole: &[Utf8PathBuf],
    roots: &[String],
    ctx: &Ctx,
) -> anyhow::Result<(Link, bool)> {
    let mut link = Link::new();
    let mut is_linked = !roots.is_empty();
    roots.iter().for_each(|root| link.root(root));
    let all = whole.iter().map(|path| (path, true)).chain(files.iter().map(|path| (path, false)));
    for (path, is_whole) in all {
        match Input::read(path, &ctx.cwd)?.content {
            Content::Object(object) => {
                is_linked = true;
                link.push(*object, false);
            }
            Content::Archive(members) => {
                is_linked |= is_whole;
                members.into_iter().for_each(|object| link.push(object, !is_whole));
            }
            Content::Module(_) | Content::Compressed(..) | Content::Component => {
                anyhow::bail!("`{path}` is already linked and cannot be part of a link set");
            }
        }
    }
    Ok((link, is_linked))
}
