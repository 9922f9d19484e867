//! Local functions in the place of imports that no host answers.

use std::collections::BTreeSet;

use anyhow::Context;
use pywasm_audit::Policy;
use pywasm_stubs::{Behaviour, ENOSYS, Rules, Voice, returns_a_structure, was_called};
use walrus::ir::{MemArg, StoreKind, Value};
use walrus::{FunctionId, ImportKind, InstrSeqBuilder, MemoryId, Module, RefType, ValType};

use super::emit::emit;

/// A module whose imports were replaced.
#[derive(Clone, Debug)]
pub struct Stubbed {
    /// The module.
    pub module: Vec<u8>,
    /// The imports that were replaced, `module.name`, sorted.
    pub stubbed: Vec<String>,
    /// Imports that the policy does not have and no rule speaks of, sorted.
    pub left: Vec<String>,
    /// Patterns that match none of those, sorted.
    pub unused: Vec<String>,
}

/// Where a message is put before the end: below 1024, where a linker leaves memory to nobody (or to
/// the last bytes of the stack, where that comes first). Nothing of the program runs after that.
const MESSAGE_AT: i32 = 16;
/// The longest message.
const LONGEST: usize = 992;

/// Replaces the imports that the policy does not have, as the rules say; what no rule speaks of has
/// `default`, or is left. Rules name the function (`mpd_*`) or the whole import (`env.mpd_*`). What the
/// host has is replaced where a rule names it without a wildcard.
///
/// # Errors
/// When the module is broken or of 64 bits, or an import can't have what its rule says.
pub fn stub(
    bytes: &[u8],
    policy: &Policy,
    rules: &Rules,
    default: Option<Behaviour>,
    voice: Voice,
) -> anyhow::Result<Stubbed> {
    let mut module =
        Module::from_buffer(bytes).context("it is not a module that can be changed")?;
    anyhow::ensure!(
        module.memories.iter().all(|memory| !memory.memory64),
        "its memory has addresses of 64 bits, which these stubs don't know"
    );
    let mut plan = Vec::new();
    let (mut left, mut used) = (Vec::new(), BTreeSet::new());
    for import in module.imports.iter() {
        let ImportKind::Function(function) = import.kind else { continue };
        let whole = format!("{}.{}", import.module, import.name);
        let rule = rules.of_import(&import.module, &import.name);
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
    let tell = Teller::of(&mut module, voice, traps, &replaced);
    for (whole, name, function, behaviour) in &plan {
        replace(&mut module, *function, name, *behaviour, tell)
            .with_context(|| format!("`{whole}`"))?;
    }
    let unused = rules.patterns().filter(|it| !used.contains(*it)).map(str::to_owned).collect();
    let stubbed = plan.into_iter().map(|(whole, ..)| whole).collect();
    Ok(Stubbed { module: emit(&mut module)?, stubbed, left, unused })
}

/// How a stub says that it was called, with what the module has for it.
#[derive(Clone, Copy)]
enum Teller {
    /// `fd_write`, and the memory.
    Wasi(FunctionId, MemoryId),
    /// `ic0.trap`, and the memory.
    Ic(FunctionId, MemoryId),
    /// The name of the function alone.
    Name,
}

impl Teller {
    fn of(
        module: &mut Module,
        voice: Voice,
        is_needed: bool,
        replaced: &BTreeSet<FunctionId>,
    ) -> Self {
        let Some(memory) = module.memories.iter().next().map(walrus::Memory::id) else {
            return Self::Name;
        };
        let mut imported = |host: &str, name: &str, params: &[ValType], results: &[ValType]| {
            // One that is a stub itself says nothing.
            let found = module.imports.get_func(host, name).ok();
            let found = found.filter(|function| !replaced.contains(function));
            // A canister may always trap; writing is for those who write anyway.
            found.or_else(|| {
                (host == "ic0" && is_needed).then(|| {
                    let ty = module.types.add(params, results);
                    module.add_import_func(host, name, ty).0
                })
            })
        };
        let i32s = [ValType::I32; 4];
        match voice {
            Voice::Wasi => imported("wasi_snapshot_preview1", "fd_write", &i32s, &i32s[..1])
                .map_or(Self::Name, |write| Self::Wasi(write, memory)),
            Voice::Ic => imported("ic0", "trap", &i32s[..2], &[])
                .map_or(Self::Name, |trap| Self::Ic(trap, memory)),
            Voice::Name => Self::Name,
        }
    }
}

fn replace(
    module: &mut Module,
    function: FunctionId,
    name: &str,
    behaviour: Behaviour,
    tell: Teller,
) -> anyhow::Result<()> {
    let ty = module.types.get(module.funcs.get(function).ty());
    let (params, results) = (ty.params().to_vec(), ty.results().to_vec());
    let value = match behaviour {
        Behaviour::Trap => None,
        Behaviour::Errno => Some(-1),
        Behaviour::Null => Some(0),
        Behaviour::Value(value) => Some(value),
        Behaviour::PythonError(_) | Behaviour::ImportError => anyhow::bail!(
            "`{behaviour}` needs symbols of Python's that a linked module has no more: make this \
             stub before the link"
        ),
        Behaviour::Shim => anyhow::bail!("a shim is linked: make this stub before the link"),
    };
    if value.is_some() && results.is_empty() && !params.is_empty() {
        anyhow::bail!(
            "it has no result to give `{behaviour}` by; it may be one that returns a structure \
             (sret): only `trap` is right"
        );
    }
    anyhow::ensure!(
        value.is_none() || !returns_a_structure(name),
        "it returns a structure through its first parameter, which a stub would leave as it is: \
         only `trap` is right"
    );
    let errno = match behaviour {
        Behaviour::Errno => {
            let location = module.funcs.by_name("__errno_location");
            let memory = module.memories.iter().next().map(walrus::Memory::id);
            Some(location.zip(memory).context(
                "`errno` needs `__errno_location`, which this module does not have or has no name \
                 of: make this stub before the link",
            )?)
        }
        _ => None,
    };
    module.replace_imported_func(function, |(body, _)| match value {
        None => {
            say(body, name, tell);
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

/// Writes the message into memory, word by word, and has the host print it.
fn say(body: &mut InstrSeqBuilder<'_>, name: &str, tell: Teller) {
    let mut text = format!("{}\n", was_called(name)).into_bytes();
    text.truncate(LONGEST);
    let length = i32::try_from(text.len()).unwrap_or(0);
    let memory = match tell {
        Teller::Wasi(_, memory) | Teller::Ic(_, memory) => memory,
        Teller::Name => return,
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
    match tell {
        Teller::Wasi(write, _) => {
            body.i32_const(0).i32_const(MESSAGE_AT).store(memory, word(), place(0));
            body.i32_const(0).i32_const(length).store(memory, word(), place(4));
            // To standard error, one vector at 0; how much was written goes to 8.
            body.i32_const(2).i32_const(0).i32_const(1).i32_const(8).call(write).drop();
        }
        Teller::Ic(trap, _) => {
            body.i32_const(MESSAGE_AT).i32_const(length).call(trap);
        }
        Teller::Name => {}
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
        stub(&wat::parse_str(MODULE)?, &policy, &all, default, Voice::Wasi)
    }

    fn findings(module: &[u8]) -> Vec<String> {
        let policy = Policy::load("wasip1", "".into()).unwrap();
        let module = pywasm_wasm::Module::read(module).unwrap();
        let found = audit::module(&module, audit::Given::default(), &policy).unwrap();
        found.into_iter().map(|finding| finding.subject).collect()
    }

    #[test]
    fn what_the_host_lacks_is_local_and_what_it_has_stays() {
        let done = stubbed(&[], Some(Behaviour::Trap)).unwrap();
        assert_eq!(done.stubbed, ["env.done", "env.gone", "host.log"]);
        wasmparser::validate(&done.module).unwrap();
        assert!(findings(&done.module).is_empty());
        let module = pywasm_wasm::Module::read(&done.module).unwrap();
        assert_eq!(module.imports.len(), 1);
        assert!(module.names().unwrap().contains(&"gone"));
        // Again there is nothing to do, and the same comes out.
        let policy = Policy::load("wasip1", "".into()).unwrap();
        let rules = Rules::default();
        let again =
            stub(&done.module, &policy, &rules, Some(Behaviour::Trap), Voice::Wasi).unwrap();
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
    fn what_the_host_has_is_replaced_by_name_only() {
        let done = stubbed(&["*=trap"], None).unwrap();
        assert_eq!(done.stubbed, ["env.done", "env.gone", "host.log"]);
        let done = stubbed(&["fd_write=trap", "done=trap"], None).unwrap();
        assert_eq!(done.stubbed, ["env.done", "wasi_snapshot_preview1.fd_write"]);
        wasmparser::validate(&done.module).unwrap();
    }

    #[test]
    fn a_memory_of_64_bits_is_refused() {
        let module =
            wat::parse_str("(module (import \"env\" \"f\" (func)) (memory i64 1))").unwrap();
        let policy = Policy::load("none", "".into()).unwrap();
        let trap = Some(Behaviour::Trap);
        let refused = stub(&module, &policy, &Rules::default(), trap, Voice::Wasi).unwrap_err();
        assert!(refused.to_string().contains("64 bits"));
    }

    #[test]
    fn what_a_linked_module_has_no_means_for_is_refused() {
        let refused = |rule: &str| format!("{:#}", stubbed(&[rule], None).unwrap_err());
        assert!(refused("gone=python-error").contains("before the link"));
        assert!(refused("gone=errno").contains("__errno_location"));
        assert!(refused("gone=shim").contains("a shim is linked"));
        let bytes = b"\0asm\x01\0\0\0\x02\x01";
        let policy = Policy::load("none", "".into()).unwrap();
        assert!(stub(bytes, &policy, &Rules::default(), None, Voice::Name).is_err());
    }

    #[test]
    fn a_canister_traps_with_the_name() {
        let policy = Policy::load("ic", "".into()).unwrap();
        let module = wat::parse_str(
            r#"(module (import "env" "gone" (func $gone)) (memory 1)
                (func (export "canister_query run") call $gone))"#,
        );
        let rules = Rules::default();
        let default = Some(Behaviour::Trap);
        let done = stub(&module.unwrap(), &policy, &rules, default, Voice::Ic).unwrap();
        let module = pywasm_wasm::Module::read(&done.module).unwrap();
        assert_eq!(module.imports.iter().map(|it| it.name).collect::<Vec<_>>(), ["trap"]);
        assert!(audit::module(&module, audit::Given::default(), &policy).unwrap().is_empty());
    }
}
