//! `cargo pywasm emit-stubs`: stubs for what is missing, before the link or after it.

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use pywasm_stubs::{Behaviour, Member, Rules, Stubs, SymbolKind, TrapReporter, is_libc_symbol};
use serde::Deserialize;

use super::audit_imports::{link_set, policy};
use crate::config::Selection;
use crate::exit::Exit;
use crate::installed;
use pywasm_audit::{Content, Input, Policy};
use pywasm_rewrite as rewrite;
use pywasm_session::WithHint;
use pywasm_store::Ctx;
use pywasm_wasm::Module;

/// Write stubs for what nothing defines: functions that say their name and end the program
///
/// From objects and archives: an archive of weak stubs, to be linked last. From a finished module: the
/// module with local functions in the place of imports. Prints the path of what was written.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Objects and archives, of which everything is linked; or one module
    #[arg(value_name = "FILE", required = true)]
    files: Vec<Utf8PathBuf>,
    /// An archive that is linked as well: what it has is not missing, and of its members those
    /// count that are wanted
    #[arg(long, value_name = "FILE")]
    library: Vec<Utf8PathBuf>,
    /// Where to write the archive or module
    #[arg(short, long, value_name = "FILE")]
    output: Utf8PathBuf,
    /// What a stub does: `mpd_*=trap`, `getuid=value=0`; one of trap, errno, null, value=N,
    /// python-error, python-error=N, import-error, shim
    #[arg(long = "stub", value_name = "PATTERN=BEHAVIOUR")]
    stubs: Vec<String>,
    /// A TOML file whose table `[stubs]` says it, as a recipe's does
    #[arg(long, value_name = "FILE")]
    rules: Option<Utf8PathBuf>,
    /// Only symbols of this pattern; without it, and without rules, all that is missing
    #[arg(long, value_name = "PATTERN")]
    only: Vec<Pattern>,
    /// A module of Python that is to be missing: its import fails with ImportError, and what it
    /// needs is not linked
    #[arg(long, value_name = "MODULE")]
    leave_out: Vec<String>,
    /// What the host has, which decides how a stub speaks [default: the project's `policy`, else
    /// wasip1]
    #[arg(long, value_name = "POLICY")]
    policy: Option<String>,
}

/// A file of rules. Other tables are other tools'.
#[derive(Debug, Deserialize)]
struct RulesFile {
    stubs: Rules,
}

/// Runs it.
///
/// # Errors
/// When a file can't be read or written, a rule is none, or a stub is refused.
pub(crate) fn run(args: &Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let rules = rules(args, ctx)?;
    let mut policy = policy(args.policy.as_deref(), ctx)?;
    let reporter = trap_reporter(&policy);
    let first = Input::read(&args.files[0], &ctx.cwd)?;
    let bytes = match first.content {
        Content::Module(bytes) | Content::Compressed(bytes, _) => bytes,
        Content::Object(_) | Content::Archive(_) => {
            return before_the_link(args, &rules, reporter, ctx);
        }
    };
    anyhow::ensure!(args.files.len() == 1, "a module is rewritten alone");
    anyhow::ensure!(
        args.leave_out.is_empty() && args.library.is_empty(),
        "`{}` was linked: `--leave-out` and `--library` come too late",
        args.files[0]
    );
    policy.restrict(&args.only);
    let done = rewrite::stub(&bytes, &policy, &rules, default(args), reporter)
        .with_context(|| format!("`{}` can't have these stubs", args.files[0]))?;
    if Module::read(&bytes)?.has_debug_information() {
        ctx.reporter.note(format!("`{}` has no debug information any more", args.output));
    }
    tell_unused(&done.unused, ctx);
    tell_left(&done.left, ctx);
    write(&args.output, &done.module, ctx)?;
    ctx.reporter.status("Stubbed", format!("{} imports", done.stubbed.len()));
    ctx.reporter.data(&args.output);
    Ok(Exit::Success)
}

fn before_the_link(
    args: &Args,
    rules: &Rules,
    reporter: TrapReporter,
    ctx: &Ctx,
) -> anyhow::Result<Exit> {
    let (mut link, _) = link_set(&args.library, &args.files, &[], ctx)?;
    let mut written = Vec::new();
    if !args.leave_out.is_empty() {
        let (without, object) = pywasm_stubs::leave_out(link, &args.leave_out)?;
        link = without;
        let path = args.output.with_extension("o");
        anyhow::ensure!(
            path != args.output,
            "`--leave-out` writes an object beside the archive: `-o` needs another ending than `.o`"
        );
        write(&path, &object, ctx)?;
        written.push(path);
    }
    let mut closure = link.closure();
    let is_asked = |name: &str| args.only.is_empty() || args.only.iter().any(|it| it.matches(name));
    closure.undefined.retain(|it| !is_libc_symbol(&it.name) && is_asked(&it.name));
    let default = default(args);
    let found = pywasm_stubs::stubs(&link, &closure, rules, default).map_err(|refused| {
        let lines: Vec<String> = refused.iter().map(|it| format!("  {it}")).collect();
        anyhow::anyhow!("{} stubs are refused:\n{}", refused.len(), lines.join("\n"))
    })?;
    tell_unused(&found.unused_patterns, ctx);
    tell_left(&found.unmatched, ctx);
    let shims = shims(&found, ctx)?;
    tell_variables(&found, ctx);
    write(&args.output, &found.archive(reporter, shims), ctx)?;
    written.push(args.output.clone());
    ctx.reporter.status("Wrote", format!("{} stubs", found.stubs.len()));
    // In the order in which they are linked: the archive is the last of all.
    written.iter().for_each(|path| ctx.reporter.data(path));
    Ok(Exit::Success)
}

/// The shims that are asked for, compiled by the toolchain of an installation.
fn shims(found: &Stubs, ctx: &Ctx) -> anyhow::Result<Vec<Member>> {
    let sources = found.shims();
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let python = installed::find(&Selection::default(), ctx)
        .context("a shim is C: the toolchain of an installation compiles it")?;
    let scratch = tempfile::tempdir()?;
    let mut members = Vec::new();
    for (name, source) in sources {
        let file = scratch.path().join(format!("{name}.c"));
        fs_err::write(&file, source)?;
        let mut cc = python.cc();
        // Not a build script's: nothing is said to Cargo, and the host is no matter.
        let objects = cc
            .file(&file)
            .out_dir(scratch.path())
            .host("none")
            .opt_level(2)
            .cargo_metadata(false)
            .try_compile_intermediates()?;
        for object in objects {
            let name = format!("pywasm-shim-{name}.o");
            members.push(Member { name, bytes: fs_err::read(object)? });
        }
    }
    Ok(members)
}

/// All that the command line and the file say, the command line last.
fn rules(args: &Args, ctx: &Ctx) -> anyhow::Result<Rules> {
    let mut rules = match &args.rules {
        Some(path) => {
            let text = fs_err::read_to_string(ctx.cwd.join(path))?;
            let file: RulesFile = toml::from_str(&text)
                .with_context(|| format!("`{path}` has no rules for stubs"))?;
            file.stubs
        }
        None => Rules::default(),
    };
    for rule in &args.stubs {
        rules.add_text(rule)?;
    }
    Ok(rules)
}

/// Everything, where no rule says what; and all that `--only` speaks of.
fn default(args: &Args) -> Option<Behaviour> {
    let named = args.rules.is_some() || !args.stubs.is_empty();
    (!named || !args.only.is_empty()).then_some(Behaviour::Trap)
}

/// By what the host has.
fn trap_reporter(policy: &Policy) -> TrapReporter {
    if policy.has("ic0", "trap") {
        TrapReporter::Ic
    } else if policy.has("wasi_snapshot_preview1", "fd_write") {
        TrapReporter::Wasi
    } else {
        TrapReporter::Silent
    }
}

/// Nobody says how large a variable is that is not there.
fn tell_variables(found: &Stubs, ctx: &Ctx) {
    let variables = found.stubs.iter().filter(|stub| stub.kind == SymbolKind::Data);
    let names: Vec<&str> = variables.map(|stub| stub.name.as_str()).collect();
    if let [first, ..] = names[..] {
        ctx.reporter.warn(format!(
            "{} variables are zeros of the size that is known to be used, 16 bytes at the least; one \
             that is larger would lie over its neighbours: {first}{}",
            names.len(),
            if names.len() > 1 { ", …" } else { "" }
        ));
    }
}

fn tell_unused(unused: &[String], ctx: &Ctx) {
    for pattern in unused {
        ctx.reporter.warn(format!("rule `{pattern}` matches nothing that is missing"));
    }
}

fn tell_left(left: &[String], ctx: &Ctx) {
    if let [first, ..] = left {
        ctx.reporter.warn(format!(
            "{} missing symbols have no rule and no stub: {first}{}",
            left.len(),
            if left.len() > 1 { ", …" } else { "" }
        ));
    }
}

fn write(path: &Utf8Path, bytes: &[u8], ctx: &Ctx) -> anyhow::Result<()> {
    fs_err::write(ctx.cwd.join(path), bytes).hint(|| "`-o FILE` says where".to_owned())
}
