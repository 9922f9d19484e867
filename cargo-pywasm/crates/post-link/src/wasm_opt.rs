//! Finds and runs Binaryen's optimizer, and checks its result.
//!
//! An optimized module gets a custom section that contains its digest, so that it is not optimized
//! again. Each further run would change the module, but save only a few bytes.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_wasm::Module;
use pywasm_wasm::custom;
use sha2::{Digest as _, Sha256};
use wasmparser::{DataKind, Operator, Parser, Payload, Validator, WasmFeatures};

use pywasm_session::variables::{PATH, PYWASM_WASM_OPT};
use pywasm_session::{WithHint, one_line};
use pywasm_store::Ctx;
use pywasm_toolchain::{Binaryen, BinaryenRequest};

/// The custom section of optimized modules. It contains the SHA-256 of the module without custom
/// sections.
const MARK: &str = "pywasm.wasm-opt";

/// The size in bytes of what Binaryen calls low memory, which begins at address 0.
const LOW_MEMORY: u64 = 1024;

/// The number of lines of `wasm-opt`'s output that an error shows.
const TAIL_LINES: usize = 20;

/// The WebAssembly proposals, and the flags (`--enable-…`) that enable them in `wasm-opt`. Source:
/// `wasm-opt --help` of versions 108 and 132.
///
/// LLVM features that concern only encodings (`bulk-memory-opt`, `call-indirect-overlong`) are not
/// listed, because version 108 has no flags for them.
const FLAGS: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::BULK_MEMORY, "bulk-memory"),
    (WasmFeatures::EXCEPTIONS.union(WasmFeatures::LEGACY_EXCEPTIONS), "exception-handling"),
    (WasmFeatures::EXTENDED_CONST, "extended-const"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::MULTI_MEMORY, "multimemory"),
    (WasmFeatures::MULTI_VALUE, "multivalue"),
    (WasmFeatures::MUTABLE_GLOBAL, "mutable-globals"),
    (WasmFeatures::SATURATING_FLOAT_TO_INT, "nontrapping-float-to-int"),
    // `CALL_INDIRECT_OVERLONG` only concerns the encoding and needs no flag.
    (
        WasmFeatures::REFERENCE_TYPES.difference(WasmFeatures::CALL_INDIRECT_OVERLONG),
        "reference-types",
    ),
    (WasmFeatures::RELAXED_SIMD, "relaxed-simd"),
    (WasmFeatures::SIGN_EXTENSION, "sign-ext"),
    (WasmFeatures::SIMD, "simd"),
    (WasmFeatures::TAIL_CALL, "tail-call"),
    (WasmFeatures::THREADS, "threads"),
];

/// A `wasm-opt` program that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasmOpt {
    /// The path of the program.
    program: Utf8PathBuf,
    /// The program's output for `--version`.
    version: String,
    /// The program's whole environment.
    env: BTreeMap<String, String>,
}

/// The result of searching for `wasm-opt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Optimizer {
    /// A program that works.
    Found(WasmOpt),
    /// No working program was found, for this reason.
    Missing(String),
}

impl Optimizer {
    /// Finds `wasm-opt`: the program that `PYWASM_WASM_OPT` specifies if this variable is set,
    /// otherwise the program on `PATH`, otherwise the one in the store.
    ///
    /// # Errors
    /// When `PYWASM_WASM_OPT` does not specify a working program, or the store cannot be read.
    pub fn find(ctx: &Ctx) -> anyhow::Result<Self> {
        let env = environment(ctx);
        if let Some(program) = ctx.env.path(PYWASM_WASM_OPT) {
            let found = WasmOpt::new(program, &env).context(PYWASM_WASM_OPT)?;
            return Ok(Self::Found(found));
        }
        let on_path = ctx.env.program("wasm-opt");
        let in_store = Binaryen::installed(ctx)?;
        let mut reason = None;
        for program in on_path.into_iter().chain(in_store.iter().map(Binaryen::program)) {
            match WasmOpt::new(program, &env) {
                Ok(found) => return Ok(Self::Found(found)),
                Err(error) => reason = reason.or_else(|| Some(one_line(&error))),
            }
        }
        let default = || "there is no `wasm-opt` on PATH or in the store".to_owned();
        Ok(Self::Missing(reason.unwrap_or_else(default)))
    }

    /// Fetches Binaryen: the pinned release or, if that fails, the newest version in the machine's
    /// package archives.
    ///
    /// # Errors
    /// When the program cannot be fetched, or does not run.
    pub(crate) fn fetch(ctx: &Ctx) -> anyhow::Result<Self> {
        let binaryen = Binaryen::install(BinaryenRequest::Auto, ctx)?;
        Ok(Self::Found(WasmOpt::new(binaryen.program(), &environment(ctx))?))
    }
}

/// Returns the environment of `wasm-opt`. It includes `PATH` because the program may be a script.
fn environment(ctx: &Ctx) -> BTreeMap<String, String> {
    [
        ("BINARYEN_CORES", ctx.jobs.to_string()),
        ("LC_ALL", "C".to_owned()),
        (PATH, ctx.env.search_path().to_string_lossy().into_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn call(
    program: &Utf8Path,
    args: &[String],
    env: &BTreeMap<String, String>,
) -> anyhow::Result<Output> {
    Command::new(program)
        .args(args)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{program}`"))
}

impl WasmOpt {
    /// Runs `program --version` and checks that the program is Binaryen's `wasm-opt`.
    fn new(program: Utf8PathBuf, env: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let output = call(&program, &["--version".to_owned()], env)?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let version = pywasm_toolchain::version(&printed).filter(|_| output.status.success());
        let version = version.with_context(|| {
            format!("`{program}` is not Binaryen's wasm-opt: it prints no version")
        })?;
        Ok(Self { version: version.to_owned(), program, env: env.clone() })
    }

    /// Returns the path and the version of the program.
    #[must_use]
    pub fn description(&self) -> String {
        format!("{}, {}", self.program, self.version)
    }

    /// Returns the version of the program.
    #[must_use]
    pub fn version(&self) -> &str {
        let version = self.version.trim_start_matches("wasm-opt ");
        // The text may be `version 132 (version_132)`.
        version.split(" (").next().unwrap_or(version)
    }

    /// Returns the module optimized for size, or `None` if it is already optimized.
    ///
    /// # Errors
    /// When the program fails, or its result is invalid, has a new import or has different exports.
    pub fn optimize(&self, bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        if is_marked(bytes)? {
            return Ok(None);
        }
        // DWARF is removed because keeping it valid would prevent optimizations.
        let stripped =
            custom::clear(bytes, |name| name.starts_with(".debug_") || name == MARK)?.module;
        let features = needed(&stripped)?;
        let dir = tempfile::tempdir().context("cannot create a temporary directory")?;
        let path = |name: &str| -> anyhow::Result<Utf8PathBuf> {
            Ok(Utf8PathBuf::try_from(dir.path().join(name))?)
        };
        let (input, output) = (path("in.wasm")?, path("out.wasm")?);
        fs_err::write(&input, &stripped)?;
        let mut args: Vec<String> = vec!["-Oz".to_owned()];
        let has_names = !Module::read(&stripped)?.names().unwrap_or_default().is_empty();
        // Names are kept for the audit. The step `strip` removes them.
        args.extend(has_names.then(|| "-g".to_owned()));
        args.extend(features.iter().map(|flag| format!("--enable-{flag}")));
        args.extend(has_free_low_memory(&stripped)?.then(|| "--low-memory-unused".to_owned()));
        args.extend([input.into_string(), "-o".to_owned(), output.to_string()]);
        let run = call(&self.program, &args, &self.env)?;
        if !run.status.success() {
            return Err(anyhow::anyhow!(
                "`{}` failed with {}; its output:\n{}",
                self.program,
                run.status,
                tail(&run)
            ))
            .hint(|| {
                "remove `wasm-opt` from the steps, or set PYWASM_WASM_OPT to the path of a newer \
                 version"
                    .to_owned()
            });
        }
        let optimized = std::fs::read(&output)
            .with_context(|| format!("`{}` wrote no module", self.program))?;
        check(&stripped, &optimized)
            .with_context(|| format!("`{}` ({}) broke the module", self.program, self.version()))?;
        // The optimizer may make a small module larger.
        let best = if optimized.len() < stripped.len() { optimized } else { stripped };
        Ok(Some(marked(&best)?))
    }
}

/// Returns true if no data segment begins in the first kilobyte of memory, where Rust and clang put
/// the end of the stack. In that case, Binaryen may assume that small offsets from a pointer do not
/// wrap (`--low-memory-unused` in `wasm-opt --help`).
fn has_free_low_memory(bytes: &[u8]) -> anyhow::Result<bool> {
    let mut lowest = u64::MAX;
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::DataSection(segments) = payload? else { continue };
        for segment in segments {
            let DataKind::Active { offset_expr, .. } = segment?.kind else { continue };
            let at = match offset_expr.get_operators_reader().read()? {
                Operator::I32Const { value } => u64::from(value.cast_unsigned()),
                Operator::I64Const { value } => value.cast_unsigned(),
                _ => 0,
            };
            lowest = lowest.min(at);
        }
    }
    Ok((LOW_MEMORY..u64::MAX).contains(&lowest))
}

/// Returns true if the module is already optimized, even if its custom sections have changed since.
fn is_marked(bytes: &[u8]) -> anyhow::Result<bool> {
    match custom::read(bytes, MARK)? {
        Some(mark) => Ok(digest(bytes)? == mark),
        None => Ok(false),
    }
}

fn marked(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    custom::embed(bytes, MARK, &digest(bytes)?)
}

fn digest(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(Sha256::digest(custom::clear(bytes, |_| true)?.module).to_vec())
}

/// Returns all proposals that a module may use.
fn every() -> WasmFeatures {
    WasmFeatures::default() | WasmFeatures::LEGACY_EXCEPTIONS
}

/// Returns the flags for the proposals that a module uses. A module uses a proposal if the module
/// is invalid without that proposal. The section `target_features` is not read: modules may lack
/// this section, and older optimizers do not know all the names in it.
fn needed(bytes: &[u8]) -> anyhow::Result<Vec<&'static str>> {
    let is_valid = |features| Validator::new_with_features(features).validate_all(bytes);
    is_valid(every()).context("the module was invalid before `wasm-opt` ran")?;
    let is_needed = |features: &WasmFeatures| is_valid(every().difference(*features)).is_err();
    Ok(FLAGS.iter().filter(|(features, _)| is_needed(features)).map(|(_, flag)| *flag).collect())
}

/// Checks that the result is valid, has the same exports and has no new import.
fn check(before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    Validator::new_with_features(every()).validate_all(after).context("the result is invalid")?;
    let (before, after) = (Module::read(before)?, Module::read(after)?);
    let exports = |module: &Module<'_>| {
        let mut names: Vec<String> =
            module.exports.iter().map(|it| format!("{} {}", it.kind.word(), it.name)).collect();
        names.sort();
        names
    };
    anyhow::ensure!(exports(&before) == exports(&after), "the result has different exports");
    let is_known = |module: &str, name: &str| {
        before.imports.iter().any(|it| (it.module, it.name) == (module, name))
    };
    if let Some(new) = after.imports.iter().find(|it| !is_known(it.module, it.name)) {
        anyhow::bail!("the result has a new import, `{}.{}`", new.module, new.name);
    }
    Ok(())
}

fn tail(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
