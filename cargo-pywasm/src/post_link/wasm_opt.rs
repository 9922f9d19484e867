//! Binaryen's optimizer: found, asked, and its result looked at before anybody gets it.
//!
//! What it has optimized carries a section with the digest of the program, so that it is not
//! optimized again: doing it once more would find a few bytes more, and change the module each time.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use anyhow::Context;
use camino::{Utf8Path, Utf8PathBuf};
use pywasm_wasm::Module;
use pywasm_wasm::custom;
use sha2::{Digest as _, Sha256};
use wasmparser::{DataKind, Operator, Parser, Payload, Validator, WasmFeatures};

use pywasm_session::{WithHint, one_line};
use pywasm_store::Ctx;
use pywasm_toolchain::Binaryen;

/// The section that says what was optimized: the SHA-256 of all sections but custom ones.
const MARK: &str = "pywasm.wasm-opt";

/// What Binaryen calls low memory, in bytes.
const LOW_MEMORY: u64 = 1024;

/// What to do where there is none.
pub(super) const CURE: &str = "`cargo pywasm toolchain wasm-opt` gets one";

/// How many lines of what it said an error shows.
const TAIL_LINES: usize = 20;

/// The proposals that a flag of `wasm-opt` turns on, `--enable-…`, as 108 and later spell it.
///
/// Source: `wasm-opt --help` of 108 and 132. Those of LLVM that are about an encoding only
/// (`bulk-memory-opt`, `call-indirect-overlong`) are parts of others here, for 108 does not know them.
const FLAGS: [(WasmFeatures, &str); 14] = [
    (WasmFeatures::BULK_MEMORY, "bulk-memory"),
    (WasmFeatures::EXCEPTIONS.union(WasmFeatures::LEGACY_EXCEPTIONS), "exception-handling"),
    (WasmFeatures::EXTENDED_CONST, "extended-const"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::MULTI_MEMORY, "multimemory"),
    (WasmFeatures::MULTI_VALUE, "multivalue"),
    (WasmFeatures::MUTABLE_GLOBAL, "mutable-globals"),
    (WasmFeatures::SATURATING_FLOAT_TO_INT, "nontrapping-float-to-int"),
    // Without its part that is about the encoding, which needs no flag.
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

/// The optimizer of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WasmOpt {
    /// The program.
    program: Utf8PathBuf,
    /// What it says to `--version`.
    version: String,
    /// All of its environment.
    env: BTreeMap<String, String>,
}

/// Whether there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Optimizer {
    /// There is.
    Found(WasmOpt),
    /// There is none, and why.
    Absent(String),
}

impl Optimizer {
    /// The program that PYWASM_WASM_OPT names, else the first on PATH, else that of the store. It is
    /// asked its version.
    ///
    /// # Errors
    /// When the one that was named is none: it was meant. When the store can't be read.
    pub fn find(ctx: &Ctx) -> anyhow::Result<Self> {
        // PATH is for those that are scripts.
        let listed = [
            ("BINARYEN_CORES", ctx.jobs.to_string()),
            ("LC_ALL", "C".to_owned()),
            ("PATH", ctx.env.search_path().to_string_lossy().into_owned()),
        ];
        let env: BTreeMap<String, String> =
            listed.map(|(name, value)| (name.to_owned(), value)).into();
        if let Some(program) = ctx.env.path("PYWASM_WASM_OPT") {
            return Ok(Self::Found(WasmOpt::ask(program, &env).context("PYWASM_WASM_OPT")?));
        }
        let on_path = ctx.env.program("wasm-opt");
        let in_store = Binaryen::installed(ctx)?;
        let mut why = None;
        for program in on_path.into_iter().chain(in_store.iter().map(Binaryen::program)) {
            match WasmOpt::ask(program, &env) {
                Ok(found) => return Ok(Self::Found(found)),
                Err(error) => why = why.or_else(|| Some(one_line(&error))),
            }
        }
        let none = || "there is no `wasm-opt` on PATH or in the store".to_owned();
        Ok(Self::Absent(why.unwrap_or_else(none)))
    }
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
        .with_context(|| format!("can't run `{program}`"))
}

impl WasmOpt {
    fn ask(program: Utf8PathBuf, env: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        let output = call(&program, &["--version".to_owned()], env)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version = pywasm_toolchain::version(&said).filter(|_| output.status.success());
        let version = version.with_context(|| {
            format!("`{program}` is not Binaryen's: it does not say its version")
        })?;
        Ok(Self { version: version.to_owned(), program, env: env.clone() })
    }

    /// Where it is and what it says it is.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{}, {}", self.program, self.version)
    }

    /// Its version alone.
    #[must_use]
    pub fn version(&self) -> &str {
        let version = self.version.trim_start_matches("wasm-opt ");
        // `version 132 (version_132)`
        version.split(" (").next().unwrap_or(version)
    }

    /// The module, optimized for size; none where that was done before.
    ///
    /// # Errors
    /// When it fails, or makes of the module one that is not valid or has another outside.
    pub fn optimize(&self, bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        if is_marked(bytes)? {
            return Ok(None);
        }
        // With DWARF in the module it would keep it right, at the cost of what it is called for.
        let given =
            custom::clear(bytes, |name| name.starts_with(".debug_") || name == MARK)?.module;
        let features = needed(&given)?;
        let dir = tempfile::tempdir().context("no temporary directory")?;
        let path = |name: &str| -> anyhow::Result<Utf8PathBuf> {
            Ok(Utf8PathBuf::try_from(dir.path().join(name))?)
        };
        let (input, output) = (path("in.wasm")?, path("out.wasm")?);
        fs_err::write(&input, &given)?;
        let mut args: Vec<String> = vec!["-Oz".to_owned()];
        let has_names = !Module::read(&given)?.names().unwrap_or_default().is_empty();
        // They are kept for the audit; `strip` is a step of its own.
        args.extend(has_names.then(|| "-g".to_owned()));
        args.extend(features.iter().map(|flag| format!("--enable-{flag}")));
        args.extend(has_low_memory(&given)?.then(|| "--low-memory-unused".to_owned()));
        args.extend([input.into_string(), "-o".to_owned(), output.to_string()]);
        let said = call(&self.program, &args, &self.env)?;
        if !said.status.success() {
            return Err(anyhow::anyhow!(
                "`{}` ended with {}; it said:\n{}",
                self.program,
                said.status,
                tail(&said)
            ))
            .hint(|| {
                "leave `wasm-opt` out of the steps, or name a newer one by PYWASM_WASM_OPT"
                    .to_owned()
            });
        }
        let done = std::fs::read(&output)
            .with_context(|| format!("`{}` wrote no module", self.program))?;
        check(&given, &done)
            .with_context(|| format!("`{}` ({}) broke the module", self.program, self.version()))?;
        // Small ones may grow by what it adds.
        let best = if done.len() < given.len() { done } else { given };
        Ok(Some(marked(&best)?))
    }
}

/// Whether no data lies in the first kilobyte, which Binaryen may take for granted then: an address plus
/// a small number does not wrap to it. Rust and clang put the end of the stack there.
///
/// Source: `--low-memory-unused` in `wasm-opt --help`.
fn has_low_memory(bytes: &[u8]) -> anyhow::Result<bool> {
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

/// Whether the program is one that was optimized before, whatever happened to its custom sections.
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

/// Every proposal that is known here.
fn every() -> WasmFeatures {
    WasmFeatures::default() | WasmFeatures::LEGACY_EXCEPTIONS
}

/// The flags for the proposals that a module uses, told by the validator: without them it is invalid.
/// The section `target_features` says as much, but not of every module, and newer names of it mean
/// nothing to older optimizers.
fn needed(bytes: &[u8]) -> anyhow::Result<Vec<&'static str>> {
    let is_valid = |features| Validator::new_with_features(features).validate_all(bytes);
    is_valid(every()).context("it was not valid before `wasm-opt`")?;
    let is_needed = |features: &WasmFeatures| is_valid(every().difference(*features)).is_err();
    Ok(FLAGS.iter().filter(|(features, _)| is_needed(features)).map(|(_, flag)| *flag).collect())
}

/// Valid, with the same exports and no import that was not there.
fn check(before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    Validator::new_with_features(every())
        .validate_all(after)
        .context("it is not valid any more")?;
    let (before, after) = (Module::read(before)?, Module::read(after)?);
    let exports = |module: &Module<'_>| {
        let mut names: Vec<String> =
            module.exports.iter().map(|it| format!("{} {}", it.kind.word(), it.name)).collect();
        names.sort();
        names
    };
    anyhow::ensure!(exports(&before) == exports(&after), "it has other exports");
    let is_known = |module: &str, name: &str| {
        before.imports.iter().any(|it| (it.module, it.name) == (module, name))
    };
    if let Some(new) = after.imports.iter().find(|it| !is_known(it.module, it.name)) {
        anyhow::bail!("it imports `{}.{}`, as it did not before", new.module, new.name);
    }
    Ok(())
}

fn tail(said: &Output) -> String {
    let text = [&said.stdout[..], &said.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
