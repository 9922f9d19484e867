//! Redirects imports to functions of the module itself. For a host without WASI, for example, WASI
//! imports are redirected to a polyfill.

use std::collections::HashMap;

use anyhow::Context;
use glob::Pattern;
use walrus::ir::{VisitorMut, dfs_pre_order_mut};
use walrus::{
    ConstExpr, ConstOp, ElementItems, ExportItem, FunctionId, FunctionKind, GlobalId, GlobalKind,
    ImportId, ImportKind, Module,
};

use super::emit::emit;

/// A rule that redirects imports to functions, such as `wasi_snapshot_preview1.*=__ic_custom_*`.
#[derive(Clone, Debug)]
pub struct Wire {
    imports: Pattern,
    /// The parts of the function's name before and after its `*`.
    target: (String, String),
    /// The part of the import pattern before its `*`.
    prefix: String,
    /// The part of the import pattern after its `*`.
    suffix: String,
}

/// A module after rewiring.
#[derive(Clone, Debug)]
pub struct Rewired {
    /// The module.
    pub module: Vec<u8>,
    /// The redirected imports as `module.name`, each with the name of the function that replaces
    /// it, sorted.
    pub wired: Vec<(String, String)>,
    /// The imports that match a wire whose function the module does not define, sorted.
    pub left: Vec<String>,
}

impl Wire {
    /// Parses `IMPORTS=FUNCTION`. Either both sides contain one `*`, which stands for the same text
    /// in both, or neither side contains a `*`.
    ///
    /// # Errors
    /// When the text has a different form.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let form = || {
            format!(
                "`{text}` is not a wire; an example is `wasi_snapshot_preview1.*=__ic_custom_*`"
            )
        };
        let (imports, function) = text.split_once('=').with_context(form)?;
        let stars = |text: &str| text.matches('*').count();
        anyhow::ensure!(stars(imports) == stars(function) && stars(imports) <= 1, form());
        let halves = |text: &str| {
            let (before, after) = text.split_once('*').unwrap_or((text, ""));
            (before.to_owned(), after.to_owned())
        };
        let (prefix, suffix) = halves(imports);
        let (imports, target) = (Pattern::new(imports).with_context(form)?, halves(function));
        Ok(Self { imports, target, prefix, suffix })
    }

    /// Returns the wires that redirect WASI imports to ic-wasi-polyfill.
    #[must_use]
    pub fn polyfill() -> Vec<Self> {
        let wire = |module: &str| Self::parse(&format!("{module}.*=__ic_custom_*"));
        ["wasi_snapshot_preview1", "wasi_unstable"]
            .into_iter()
            .filter_map(|it| wire(it).ok())
            .collect()
    }

    /// Returns the name of the function that an import is redirected to, or `None` if the import
    /// does not match.
    fn function(&self, import: &str) -> Option<String> {
        if !self.imports.matches(import) {
            return None;
        }
        let star = import.strip_prefix(self.prefix.as_str())?.strip_suffix(self.suffix.as_str())?;
        let star = if self.imports.as_str().contains('*') { star } else { "" };
        Some(format!("{}{star}{}", self.target.0, self.target.1))
    }
}

/// Redirects the imports that match a wire. If `collect` is true, unreachable code is removed
/// afterwards. A module with nothing to redirect is returned unchanged, so that a second run
/// changes nothing.
///
/// # Errors
/// When the module is malformed, or the type of a function differs from that of the import that it
/// replaces.
pub fn rewire(bytes: &[u8], wires: &[Wire], collect: bool) -> anyhow::Result<Rewired> {
    let mut module = Module::from_buffer(bytes).context("the module cannot be parsed")?;
    let wrapped = Wrapped::read(bytes, &module)?;
    let (mut plan, mut left) = (Vec::new(), Vec::new());
    for import in module.imports.iter() {
        let ImportKind::Function(function) = import.kind else { continue };
        let whole = format!("{}.{}", import.module, import.name);
        let Some(name) = wires.iter().find_map(|wire| wire.function(&whole)) else { continue };
        match target(&module, &wrapped, &name)? {
            Some(target) => plan.push((whole, name, function, target, import.id())),
            None => left.push(whole),
        }
    }
    plan.sort();
    left.sort();
    left.dedup();
    if plan.is_empty() {
        return Ok(Rewired { module: bytes.to_vec(), wired: Vec::new(), left });
    }
    for (whole, name, function, target, _) in &plan {
        let ty = |id: FunctionId| module.types.get(module.funcs.get(id).ty());
        let (import, own) = (ty(*function), ty(*target));
        anyhow::ensure!(
            (import.params(), import.results()) == (own.params(), own.results()),
            "`{whole}` has type {:?} -> {:?}, but `{name}` has type {:?} -> {:?}",
            import.params(),
            import.results(),
            own.params(),
            own.results()
        );
    }
    let wires: HashMap<FunctionId, FunctionId> =
        plan.iter().map(|(_, _, function, target, _)| (*function, *target)).collect();
    replace(&mut module, &wires);
    for (_, _, function, _, import) in &plan {
        remove(&mut module, *function, *import);
    }
    if collect {
        walrus::passes::gc::run(&mut module);
    }
    let wired = plan.into_iter().map(|(whole, name, ..)| (whole, name)).collect();
    Ok(Rewired { module: emit(&mut module)?, wired, left })
}

/// Finds a defined function by the name of its export, which `strip` keeps, or else by its name in
/// the name section.
fn target(module: &Module, wrapped: &Wrapped, name: &str) -> anyhow::Result<Option<FunctionId>> {
    let exported = module.exports.iter().find(|export| export.name == name);
    let found = match exported.map(|export| export.item) {
        Some(ExportItem::Function(function)) => Some(wrapped.inner(name)?.unwrap_or(function)),
        _ => module.funcs.by_name(name),
    };
    let is_local = |id: &FunctionId| matches!(module.funcs.get(*id).kind, FunctionKind::Local(_));
    Ok(found.filter(is_local))
}

/// The functions that the exports of a command wrap, by the names of the exports. A wrapper runs
/// constructors and destructors on each call.
struct Wrapped(HashMap<String, Option<FunctionId>>);

impl Wrapped {
    fn read(bytes: &[u8], module: &Module) -> anyhow::Result<Self> {
        let read = pywasm_wasm::Module::read(bytes)?;
        let exports = read.command_exports(&read.names()?);
        // walrus lists functions in the order of their indices.
        let ids: Vec<FunctionId> = module.funcs.iter().map(walrus::Function::id).collect();
        let id = |index: u32| ids.get(index as usize).copied();
        let inner = exports.into_iter().map(|it| (it.name.to_owned(), it.inner.and_then(id)));
        Ok(Self(inner.collect()))
    }

    /// Returns the function that an export wraps, or `None` if its function is not a wrapper.
    ///
    /// # Errors
    /// When the wrapped function was inlined into the wrapper.
    fn inner(&self, export: &str) -> anyhow::Result<Option<FunctionId>> {
        match self.0.get(export) {
            Some(None) => anyhow::bail!(
                "constructors run on each call to the export `{export}`, so it cannot be used: \
                 link a reactor, with crt1-reactor.o"
            ),
            inner => Ok(inner.copied().flatten()),
        }
    }
}

/// Replaces all references to the keys of `wires` with references to their values.
fn replace(module: &mut Module, wires: &HashMap<FunctionId, FunctionId>) {
    let to = |id: &mut FunctionId| {
        if let Some(target) = wires.get(id) {
            *id = *target;
        }
    };
    for element in module.elements.iter_mut() {
        match &mut element.items {
            ElementItems::Functions(functions) => functions.iter_mut().for_each(to),
            ElementItems::Expressions(_, expressions) => {
                expressions.iter_mut().for_each(|it| in_constant(it, to));
            }
        }
    }
    let globals: Vec<GlobalId> = module.globals.iter().map(walrus::Global::id).collect();
    for id in globals {
        if let GlobalKind::Local(expression) = &mut module.globals.get_mut(id).kind {
            in_constant(expression, to);
        }
    }
    for export in module.exports.iter_mut() {
        if let ExportItem::Function(function) = &mut export.item {
            to(function);
        }
    }
    if let Some(start) = &mut module.start {
        to(start);
    }
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut Calls(wires), function, entry);
    }
}

fn in_constant(expression: &mut ConstExpr, to: impl Fn(&mut FunctionId)) {
    match expression {
        ConstExpr::RefFunc(function) => to(function),
        ConstExpr::Extended(operations) => {
            for operation in operations {
                if let ConstOp::RefFunc(function) = operation {
                    to(function);
                }
            }
        }
        _ => {}
    }
}

struct Calls<'a>(&'a HashMap<FunctionId, FunctionId>);

impl VisitorMut for Calls<'_> {
    fn visit_function_id_mut(&mut self, function: &mut FunctionId) {
        if let Some(target) = self.0.get(function) {
            *function = *target;
        }
    }
}

fn remove(module: &mut Module, function: FunctionId, import: ImportId) {
    module.imports.delete(import);
    module.funcs.delete(function);
}

#[cfg(test)]
mod tests {
    use walrus::ir::Instr;

    use super::*;

    /// A module that covers the cases in wasi2ic's tests: calls in blocks, loops and branches,
    /// imports in a table and in references, a polyfill function that uses its own import, and
    /// targets found by name and by export.
    const MODULE: &str = r#"(module
        (import "ic0" "debug_print" (func $print (param i32 i32)))
        (import "wasi_snapshot_preview1" "fd_write"
            (func $fd_write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_unstable" "random_get" (func $random_get (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (table 5 5 funcref)
        (elem (i32.const 1) func $fd_write $random_get)
        (elem (i32.const 3) funcref (ref.func $fd_write))
        (global funcref (ref.func $random_get))
        (memory (export "memory") 1)
        (func $_initialize (export "_initialize")
            (block (if (i32.const 0)
                (then (drop (call $random_get (i32.const 1) (i32.const 2))))
                (else (loop (br_if 0 (call $random_get (i32.const 1) (i32.const 2)))))))
            (drop (call $fd_write (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)))
            (call $exit (i32.const 0)))
        (func $__ic_custom_random_get (param i32 i32) (result i32)
            (table.set (i32.const 0) (ref.func $random_get))
            (call $print (i32.const 0) (i32.const 0))
            (i32.const 421))
        (func $renamed (export "__ic_custom_fd_write") (param i32 i32 i32 i32) (result i32)
            (i32.const 42)))"#;

    fn imports(module: &[u8]) -> Vec<String> {
        wasmparser::validate(module).unwrap();
        let module = pywasm_wasm::Module::read(module).unwrap();
        module.imports.iter().map(|it| format!("{}.{}", it.module, it.name)).collect()
    }

    #[test]
    fn imports_are_rewired_if_the_polyfill_has_them() {
        let bytes = wat::parse_str(MODULE).unwrap();
        let done = rewire(&bytes, &Wire::polyfill(), true).unwrap();
        let wired: Vec<&str> = done.wired.iter().map(|(import, _)| import.as_str()).collect();
        assert_eq!(wired, ["wasi_snapshot_preview1.fd_write", "wasi_unstable.random_get"]);
        assert_eq!(
            done.left,
            ["wasi_snapshot_preview1.environ_get", "wasi_snapshot_preview1.proc_exit"]
        );
        // Of the two imports in `left`, `environ_get` is unused, so garbage collection removes it.
        assert_eq!(imports(&done.module), ["ic0.debug_print", "wasi_snapshot_preview1.proc_exit"]);
        let module = pywasm_wasm::Module::read(&done.module).unwrap();
        assert!(module.exports.iter().any(|export| export.name == "_initialize"));
        let again = rewire(&done.module, &Wire::polyfill(), true).unwrap();
        assert!(again.wired.is_empty() && again.module == done.module);
    }

    #[test]
    fn both_of_two_equal_imports_are_rewired() {
        let import =
            r#"(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))"#;
        let calls = "(drop (call 0 (i32.const 1))) (drop (call 1 (i32.const 1)))";
        let text = format!(
            r#"(module {import} {import} (func (export "run") {calls})
                (func (export "__ic_custom_fd_close") (param i32) (result i32) i32.const 8))"#
        );
        let done = rewire(&wat::parse_str(text).unwrap(), &Wire::polyfill(), true).unwrap();
        assert_eq!(done.wired.len(), 2);
        assert!(imports(&done.module).is_empty(), "{:?}", imports(&done.module));
    }

    #[test]
    fn module_without_a_polyfill_is_unchanged() {
        let bytes = wat::parse_str(
            r#"(module (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32))))"#,
        );
        let bytes = bytes.unwrap();
        assert_eq!(rewire(&bytes, &Wire::polyfill(), true).unwrap().module, bytes);
    }

    #[test]
    fn different_type_is_refused() {
        let text = MODULE.replace(
            "(param i32 i32) (result i32)\n            (table.set",
            "(param i32) (result i32)\n            (table.set",
        );
        let error = rewire(&wat::parse_str(text).unwrap(), &Wire::polyfill(), true).unwrap_err();
        assert!(error.to_string().contains("but `__ic_custom_random_get` has type"), "{error}");
    }

    #[test]
    fn command_wrapper_is_bypassed() {
        let wrapper = "$__ic_custom_fd_close.command_export";
        for (name, wrapper) in
            [("$__ic_custom_fd_close", wrapper), ("$inside", wrapper), ("$inside", "$unknown")]
        {
            let text = format!(
                r#"(module
                    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
                    (func $ctors) (func $dtors)
                    (func {name} (param i32) (result i32) i32.const 8)
                    (func {wrapper} (export "__ic_custom_fd_close")
                        (param i32) (result i32)
                        call $ctors local.get 0 call {name} call $dtors)
                    (func (export "run") (result i32) i32.const 3 call $close))"#
            );
            let bytes = wat::parse_str(text).unwrap();
            let done = rewire(&bytes, &Wire::polyfill(), false).unwrap();
            let module = Module::from_buffer(&done.module).unwrap();
            let run = module.exports.get_func("run").unwrap();
            let local = module.funcs.get(run).kind.unwrap_local();
            let called =
                local.block(local.entry_block()).instrs.iter().find_map(|(it, _)| match it {
                    Instr::Call(call) => module.funcs.get(call.func).name.clone(),
                    _ => None,
                });
            assert_eq!(called.as_deref(), Some(&name[1..]));
        }
    }

    #[test]
    fn wrapper_with_an_inlined_function_is_refused() {
        let text = r#"(module
            (import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
            (func $ctors) (func $dtors)
            (func (export "run") call $ctors nop call $dtors)
            (func (export "__ic_custom_fd_close") (param i32) (result i32)
                call $ctors i32.const 8 call $dtors))"#;
        let error = rewire(&wat::parse_str(text).unwrap(), &Wire::polyfill(), false).unwrap_err();
        assert!(error.to_string().contains("link a reactor"), "{error}");
    }

    #[test]
    fn wires_match_any_import() {
        let text = r#"(module
            (import "env" "a" (func $a)) (import "env" "b" (func $b)) (import "host" "a" (func $c))
            (func $mine_a) (func $other)
            (func (export "run") call $a call $b call $c))"#;
        let wires = ["env.*=mine_*", "host.a=other"].map(|it| Wire::parse(it).unwrap());
        let done = rewire(&wat::parse_str(text).unwrap(), &wires, true).unwrap();
        assert_eq!(imports(&done.module), ["env.b"]);
        assert_eq!(done.left, ["env.b"]);
        for wrong in ["", "a", "a*=b", "a=b*", "a*b*=c*d*", "[=b"] {
            assert!(Wire::parse(wrong).is_err(), "{wrong}");
        }
    }
}
