//! Replaces imports with stubs: functions of the module that trap or return a constant.

use std::collections::BTreeSet;

use anyhow::Context;
use pywasm_audit::Policy;
use pywasm_stubs::{
    Behaviour, ENOSYS, Refusal, Rules, Signature, Stage, SymbolKind, TrapReporter, refuse,
    trap_message,
};
use walrus::ir::{MemArg, StoreKind, Value};
use walrus::{FunctionId, ImportKind, InstrSeqBuilder, MemoryId, Module, RefType, ValType};

use super::emit::emit;

/// A module whose imports were replaced.
#[derive(Clone, Debug)]
pub struct Stubbed {
    /// The module.
    pub module: Vec<u8>,
    /// The replaced imports as `module.name`, sorted.
    pub stubbed: Vec<String>,
    /// The imports that the host does not provide and for which there is neither a rule nor a
    /// default behaviour, sorted.
    pub left: Vec<String>,
    /// The patterns of rules that match no import in `stubbed` or `left`, sorted.
    pub unused: Vec<String>,
}

/// The address of the message that a stub writes before it traps. Linkers leave memory below 1024
/// unused or place the end of the stack there. The message may overwrite the stack, because the
/// stub then traps, which ends the program.
const MESSAGE_AT: i32 = 16;
/// The maximum length of a message in bytes.
const MAX_MESSAGE: usize = 992;

/// Replaces the imported functions that the host does not provide. Each function gets the behaviour
/// of the rule that matches it. Without such a rule, the function gets `default`, or is kept if
/// `default` is `None`. The pattern of a rule matches the name of the function (`mpd_*`) or the
/// whole import (`env.mpd_*`). A function that the host provides is replaced only if a rule
/// specifies it without a wildcard.
///
/// # Errors
/// When the module is malformed or its memory has 64-bit addresses, or an import cannot have the
/// requested behaviour.
pub fn stub(
    bytes: &[u8],
    policy: &Policy,
    rules: &Rules,
    default: Option<Behaviour>,
    reporter: TrapReporter,
) -> anyhow::Result<Stubbed> {
    let mut module = Module::from_buffer(bytes).context("the module cannot be parsed")?;
    anyhow::ensure!(
        module.memories.iter().all(|memory| !memory.memory64),
        "its memory has 64-bit addresses, which stubs do not support"
    );
    let mut plan = Vec::new();
    let (mut left, mut used) = (Vec::new(), BTreeSet::new());
    for import in module.imports.iter() {
        let ImportKind::Function(function) = import.kind else { continue };
        let whole = format!("{}.{}", import.module, import.name);
        let rule = rules.get_import(&import.module, &import.name);
        if policy.has(&import.module, &import.name)
            && rule.is_none_or(|(pattern, _)| pattern != import.name && pattern != whole)
        {
            continue;
        }
        used.extend(rules.matching(&whole).map(str::to_owned));
        used.extend(rules.matching(&import.name).map(str::to_owned));
        match rule.map(|(_, behaviour)| behaviour).or(default) {
            Some(behaviour) => plan.push((whole, import.name.clone(), function, behaviour)),
            None => left.push(whole),
        }
    }
    plan.sort();
    left.sort();
    let replaced: BTreeSet<FunctionId> = plan.iter().map(|it| it.2).collect();
    let traps = plan.iter().any(|it| it.3 == Behaviour::Trap);
    let reporter = Reporter::find(&mut module, reporter, traps, &replaced);
    let errno = module.funcs.by_name("__errno_location");
    let errno = errno.zip(module.memories.iter().next().map(walrus::Memory::id));
    let stage = Stage::LinkedModule { has_errno_location: errno.is_some() };
    for (whole, name, function, behaviour) in &plan {
        let kind = SymbolKind::Function(signature(&module, *function));
        if let Some(reason) = refuse(name, &kind, *behaviour, stage) {
            return Err(Refusal::new(whole, reason).into());
        }
        replace(&mut module, *function, name, *behaviour, (errno, reporter))
            .with_context(|| format!("`{whole}`"))?;
    }
    let unused = rules.patterns().filter(|it| !used.contains(*it)).map(str::to_owned).collect();
    let stubbed = plan.into_iter().map(|(whole, ..)| whole).collect();
    Ok(Stubbed { module: emit(&mut module)?, stubbed, left, unused })
}

/// A [`TrapReporter`] with the function and the memory that it uses.
#[derive(Clone, Copy)]
enum Reporter {
    /// WASI's `fd_write`, and the memory that holds the message.
    Wasi(FunctionId, MemoryId),
    /// `ic0.trap`, and the memory that holds the message.
    Ic(FunctionId, MemoryId),
    Silent,
}

impl Reporter {
    /// Finds the host function that `reporter` calls. Returns `Silent` if the module has no such
    /// import and none can be added.
    fn find(
        module: &mut Module,
        reporter: TrapReporter,
        is_needed: bool,
        replaced: &BTreeSet<FunctionId>,
    ) -> Self {
        let Some(memory) = module.memories.iter().next().map(walrus::Memory::id) else {
            return Self::Silent;
        };
        let mut imported = |host: &str, name: &str, params: &[ValType], results: &[ValType]| {
            // A function that is replaced by a stub cannot report messages.
            let found = module.imports.get_func(host, name).ok();
            let found = found.filter(|function| !replaced.contains(function));
            // Every canister may import `ic0.trap`, so a missing import is added. `fd_write` is not
            // added, because the host may lack WASI.
            found.or_else(|| {
                (host == "ic0" && is_needed).then(|| {
                    let ty = module.types.add(params, results);
                    module.add_import_func(host, name, ty).0
                })
            })
        };
        let i32s = [ValType::I32; 4];
        match reporter {
            TrapReporter::Wasi => imported("wasi_snapshot_preview1", "fd_write", &i32s, &i32s[..1])
                .map_or(Self::Silent, |write| Self::Wasi(write, memory)),
            TrapReporter::Ic => imported("ic0", "trap", &i32s[..2], &[])
                .map_or(Self::Silent, |trap| Self::Ic(trap, memory)),
            TrapReporter::Silent => Self::Silent,
        }
    }
}

/// Returns the type of a function. All reference types except `funcref` and `externref` become
/// `OtherRef`.
fn signature(module: &Module, function: FunctionId) -> Signature {
    let convert = |types: &[ValType]| types.iter().map(|ty| val_type(*ty)).collect();
    let ty = module.types.get(module.funcs.get(function).ty());
    Signature { params: convert(ty.params()), results: convert(ty.results()) }
}

fn val_type(ty: ValType) -> pywasm_stubs::ValType {
    match ty {
        ValType::I32 => pywasm_stubs::ValType::I32,
        ValType::I64 => pywasm_stubs::ValType::I64,
        ValType::F32 => pywasm_stubs::ValType::F32,
        ValType::F64 => pywasm_stubs::ValType::F64,
        ValType::V128 => pywasm_stubs::ValType::V128,
        ValType::Ref(RefType::FUNCREF) => pywasm_stubs::ValType::FuncRef,
        ValType::Ref(RefType::EXTERNREF) => pywasm_stubs::ValType::ExternRef,
        ValType::Ref(_) => pywasm_stubs::ValType::OtherRef,
    }
}

/// Replaces an imported function with a stub. The parameter `errno` is a pair: the function
/// `__errno_location`, which returns the address of C's `errno`, and the memory that this address
/// refers to.
fn replace(
    module: &mut Module,
    function: FunctionId,
    name: &str,
    behaviour: Behaviour,
    (errno, reporter): (Option<(FunctionId, MemoryId)>, Reporter),
) -> anyhow::Result<()> {
    let results = module.types.get(module.funcs.get(function).ty()).results().to_vec();
    let value = match behaviour {
        Behaviour::Errno => Some(-1),
        Behaviour::Null => Some(0),
        Behaviour::Value(value) => Some(value),
        // `refuse` has already rejected these behaviours, except `Trap`.
        Behaviour::Trap | Behaviour::PythonError(_) | Behaviour::ImportError | Behaviour::Shim => {
            None
        }
    };
    let errno = errno.filter(|_| behaviour == Behaviour::Errno);
    module.replace_imported_func(function, |(body, _)| match value {
        None => {
            report(body, name, reporter);
            body.unreachable();
        }
        Some(value) => {
            if let Some((location, memory)) = errno {
                body.call(location).i32_const(ENOSYS).store(memory, word(), place(0));
            }
            for result in &results {
                constant(body, *result, value);
            }
        }
    })?;
    module.funcs.get_mut(function).name = Some(name.to_owned());
    Ok(())
}

/// Adds the instructions that write the message to memory, word by word, and pass it to the host.
fn report(body: &mut InstrSeqBuilder<'_>, name: &str, reporter: Reporter) {
    let mut text = format!("{}\n", trap_message(name)).into_bytes();
    text.truncate(MAX_MESSAGE);
    let length = i32::try_from(text.len()).unwrap_or(0);
    let memory = match reporter {
        Reporter::Wasi(_, memory) | Reporter::Ic(_, memory) => memory,
        Reporter::Silent => return,
    };
    text.resize(text.len().next_multiple_of(8), 0);
    for (at, chunk) in (MESSAGE_AT..).step_by(8).zip(text.chunks_exact(8)) {
        let bytes = chunk.try_into().unwrap_or_default();
        body.i32_const(at).i64_const(i64::from_le_bytes(bytes)).store(
            memory,
            StoreKind::I64 { atomic: false },
            MemArg { align: 8, offset: 0 },
        );
    }
    match reporter {
        Reporter::Wasi(write, _) => {
            body.i32_const(0).i32_const(MESSAGE_AT).store(memory, word(), place(0));
            body.i32_const(0).i32_const(length).store(memory, word(), place(4));
            // Writes the single I/O vector at address 0 to standard error (2). The number of
            // written bytes is stored at address 8.
            body.i32_const(2).i32_const(0).i32_const(1).i32_const(8).call(write).drop();
        }
        Reporter::Ic(trap, _) => {
            body.i32_const(MESSAGE_AT).i32_const(length).call(trap);
        }
        Reporter::Silent => {}
    }
}

fn word() -> StoreKind {
    StoreKind::I32 { atomic: false }
}

fn place(offset: u64) -> MemArg {
    MemArg { align: 4, offset }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "C's conversions")]
fn constant(body: &mut InstrSeqBuilder<'_>, ty: ValType, value: i64) {
    match ty {
        ValType::I32 => body.const_(Value::I32(value as i32)),
        ValType::I64 => body.const_(Value::I64(value)),
        ValType::F32 => body.const_(Value::F32(value as f32)),
        ValType::F64 => body.const_(Value::F64(value as f64)),
        ValType::V128 => body.const_(Value::V128(value as u128)),
        ValType::Ref(ty) => body.ref_null(RefType { nullable: true, ..ty }),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use pywasm_audit as audit;

    const MODULE: &str = r#"(module
        (import "wasi_snapshot_preview1" "fd_write"
            (func $write (param i32 i32 i32 i32) (result i32)))
        (import "env" "gone" (func $gone (param i32) (result i64)))
        (import "env" "done" (func $done))
        (import "host" "log" (func $log (param f64) (result f32)))
        (memory (export "memory") 1)
        (table 1 funcref)
        (elem (i32.const 0) $gone)
        (func (export "gone") (result i64) i32.const 7 call $gone)
        (func (export "indirect") (result i64)
            i32.const 7 i32.const 0 call_indirect (param i32) (result i64))
        (func (export "log") (result f32) f64.const 1 call $log)
        (func (export "_start") call $done))"#;

    fn stubbed(rules: &[&str], default: Option<Behaviour>) -> anyhow::Result<Stubbed> {
        let mut all = Rules::default();
        for rule in rules {
            all.add_text(rule)?;
        }
        let policy = Policy::load("wasip1", "".into())?;
        stub(&wat::parse_str(MODULE)?, &policy, &all, default, TrapReporter::Wasi)
    }

    fn findings(module: &[u8]) -> Vec<String> {
        let policy = Policy::load("wasip1", "".into()).unwrap();
        let module = pywasm_wasm::Module::read(module).unwrap();
        let found = audit::module(&module, audit::Given::default(), &policy).unwrap();
        found.into_iter().map(|finding| finding.subject).collect()
    }

    #[test]
    fn missing_imports_are_replaced_and_provided_ones_kept() {
        let done = stubbed(&[], Some(Behaviour::Trap)).unwrap();
        assert_eq!(done.stubbed, ["env.done", "env.gone", "host.log"]);
        wasmparser::validate(&done.module).unwrap();
        assert!(findings(&done.module).is_empty());
        let module = pywasm_wasm::Module::read(&done.module).unwrap();
        assert_eq!(module.imports.len(), 1);
        assert!(module.names().unwrap().contains(&"gone"));
        // A second run finds nothing to replace and returns the same module.
        let policy = Policy::load("wasip1", "".into()).unwrap();
        let rules = Rules::default();
        let again =
            stub(&done.module, &policy, &rules, Some(Behaviour::Trap), TrapReporter::Wasi).unwrap();
        assert_eq!((again.stubbed.len(), again.module == done.module), (0, true));
    }

    #[test]
    fn rules_name_functions_or_whole_imports() {
        let rules = ["env.gone=value=5", "log=null", "nothing=trap"];
        let done = stubbed(&rules, None).unwrap();
        assert_eq!(done.stubbed, ["env.gone", "host.log"]);
        assert_eq!((done.left, done.unused), (vec!["env.done".into()], vec!["nothing".into()]));
        assert_eq!(findings(&done.module), ["env.done"]);
    }

    #[test]
    fn provided_import_is_replaced_only_if_named() {
        let done = stubbed(&["*=trap"], None).unwrap();
        assert_eq!(done.stubbed, ["env.done", "env.gone", "host.log"]);
        let done = stubbed(&["fd_write=trap", "done=trap"], None).unwrap();
        assert_eq!(done.stubbed, ["env.done", "wasi_snapshot_preview1.fd_write"]);
        wasmparser::validate(&done.module).unwrap();
    }

    #[test]
    fn memory_with_64_bits_is_refused() {
        let module =
            wat::parse_str("(module (import \"env\" \"f\" (func)) (memory i64 1))").unwrap();
        let policy = Policy::load("none", "".into()).unwrap();
        let trap = Some(Behaviour::Trap);
        let refused =
            stub(&module, &policy, &Rules::default(), trap, TrapReporter::Wasi).unwrap_err();
        assert!(refused.to_string().contains("64-bit addresses"));
    }

    #[test]
    fn behaviours_that_need_the_linker_are_refused() {
        let refused = |rule: &str| format!("{:#}", stubbed(&[rule], None).unwrap_err());
        assert!(refused("gone=python-error").contains("before linking"));
        assert!(refused("gone=errno").contains("__errno_location"));
        assert!(refused("gone=shim").contains("cannot have a shim in a linked module"));
        let bytes = b"\0asm\x01\0\0\0\x02\x01";
        let policy = Policy::load("none", "".into()).unwrap();
        assert!(stub(bytes, &policy, &Rules::default(), None, TrapReporter::Silent).is_err());
    }

    #[test]
    fn stub_in_a_canister_traps_with_its_name() {
        let policy = Policy::load("ic", "".into()).unwrap();
        let module = wat::parse_str(
            r#"(module (import "env" "gone" (func $gone)) (memory 1)
                (func (export "canister_query run") call $gone))"#,
        );
        let rules = Rules::default();
        let default = Some(Behaviour::Trap);
        let done = stub(&module.unwrap(), &policy, &rules, default, TrapReporter::Ic).unwrap();
        let module = pywasm_wasm::Module::read(&done.module).unwrap();
        assert_eq!(module.imports.iter().map(|it| it.name).collect::<Vec<_>>(), ["trap"]);
        assert!(audit::module(&module, audit::Given::default(), &policy).unwrap().is_empty());
    }
}
