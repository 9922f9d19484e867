//! The object that is linked: code, tables of it, and a function that hands them to Python.
//!
//! Source of the tables' forms: `struct _frozen` and `struct _inittab` in CPython's
//! `Include/cpython/import.h`, `struct _module_alias` in `Include/internal/pycore_import.h`; that an
//! embedder may set `PyImport_FrozenModules`: the documentation of that variable.

use pywasm_stubs::{Binding, Code, Data, Instruction, Member, SymbolId, ValType, Writer};

use super::{Frozen, Module};

/// Before the constructors of C and C++, which are called with 65535.
const PRIORITY: u32 = 101;
/// Code is read byte by byte; addresses in the tables are words.
const WORD: u32 = 4;

/// The modules of importlib that C code starts, and what they are called in Python.
const BOOTSTRAP: [(&str, &str); 2] = [
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
];

/// Modules whose first function is not called `PyInit_NAME`; those without any are there already when the
/// table is read. Source: CPython's `Modules/config.c.in`.
const INIT: [(&str, Option<&str>); 4] = [
    ("_warnings", Some("_PyWarnings_Init")),
    ("builtins", None),
    ("marshal", Some("PyMarshal_Init")),
    ("sys", None),
];

impl Frozen {
    /// A relocatable object for wasm32. The same modules give the same bytes.
    ///
    /// Of a closed set it has all tables of modules that libpython has otherwise, so it must stand
    /// before libpython in the link.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let built_in = self.built_in.iter().flatten();
        let built_in: Vec<(&str, Option<SymbolId>)> =
            built_in.map(|name| (name.as_str(), init(&mut writer, name))).collect();
        let flag = writer.undefined_data("Py_FrozenFlag");

        let mut code = Data::default();
        code.push(&self.code);
        let code = writer.data("pywasm_frozen_code", Binding::Local, 1, code);
        let bootstraps = |module: &&Module| BOOTSTRAP.iter().any(|(name, _)| *name == module.name);
        let (bootstrap, modules): (Vec<_>, Vec<_>) = self.modules.iter().partition(bootstraps);
        let table = frozen(&mut writer, "pywasm_frozen", &modules, code);
        let mut start = Code::new();
        if self.built_in.is_some() {
            let bootstrap = frozen(&mut writer, "pywasm_bootstrap", &bootstrap, code);
            let nothing = frozen(&mut writer, "pywasm_nothing", &[], code);
            variable(&mut writer, "PyImport_FrozenModules", table);
            variable(&mut writer, "_PyImport_FrozenBootstrap", bootstrap);
            variable(&mut writer, "_PyImport_FrozenStdlib", nothing);
            variable(&mut writer, "_PyImport_FrozenTest", nothing);
            let aliases = aliases(&mut writer);
            variable(&mut writer, "_PyImport_FrozenAliases", aliases);
            inittab(&mut writer, &built_in);
            no_paths(&mut writer);
        } else {
            let modules = writer.undefined_data("PyImport_FrozenModules");
            start = start.address(modules).address(table).store();
        }
        // Python does not look for its library, and says nothing of not having found it.
        let start = start.address(flag).then(&Instruction::I32Const(1)).store();
        let start = writer.function("pywasm_freeze", Binding::Local, &[], &[], start);
        writer.call_at_start(start, PRIORITY);
        writer.finish()
    }

    /// An archive with the object, as a build script links it.
    #[must_use]
    pub fn archive(&self) -> Vec<u8> {
        pywasm_stubs::archive(&[Member {
            name: "pywasm-frozen.o".to_owned(),
            bytes: self.object(),
        }])
    }
}

/// The function that makes a module in C.
fn init(writer: &mut Writer, module: &str) -> Option<SymbolId> {
    let known = INIT.iter().find(|(name, _)| *name == module).map(|(_, function)| *function);
    let own = format!("PyInit_{module}");
    let name = known.unwrap_or(Some(&own))?;
    Some(writer.undefined_function(name, &[], &[ValType::I32]))
}

/// A table of modules as code.
fn frozen(writer: &mut Writer, name: &str, modules: &[&Module], code: SymbolId) -> SymbolId {
    let names = names(writer, &format!("{name}_names"), modules.iter().map(|it| it.name.as_str()));
    let mut table = Data::default();
    for (module, start) in modules.iter().zip(names.starts) {
        table.push_address(names.symbol, start);
        table.push_address(code, word(module.offset));
        table.push(&word(module.size).to_le_bytes());
        table.push(&u32::from(module.package).to_le_bytes());
    }
    table.push(&[0; 16]);
    writer.data(name, Binding::Local, WORD, table)
}

/// The modules in C.
fn inittab(writer: &mut Writer, modules: &[(&str, Option<SymbolId>)]) {
    let names = names(writer, "pywasm_inittab_names", modules.iter().map(|(name, _)| *name));
    let mut table = Data::default();
    for ((_, function), start) in modules.iter().zip(names.starts) {
        table.push_address(names.symbol, start);
        match function {
            Some(function) => table.push_function(*function),
            None => _ = table.push(&[0; 4]),
        }
    }
    table.push(&[0; 8]);
    writer.data("_PyImport_Inittab", Binding::Global, WORD, table);
}

/// In place of CPython's own, which runs a program of Python to look for a library: there are no files
/// behind a closed set. libpython's `getpath.o` is not linked then, as `Modules/getpath_noop.c` does it.
///
/// It returns `PyStatus_Ok()`, four words of zeros at the address that is its first parameter.
fn no_paths(writer: &mut Writer) {
    let words = (0..4).map(|word| word * 4).fold(Code::new(), |code, offset| {
        code.then(&Instruction::LocalGet(0))
            .then(&Instruction::I32Const(offset))
            .then(&Instruction::I32Add)
            .then(&Instruction::I32Const(0))
            .store()
    });
    let params = [ValType::I32; 3];
    writer.function("_PyConfig_InitPathConfig", Binding::Global, &params, &[], words);
}

fn aliases(writer: &mut Writer) -> SymbolId {
    let both = BOOTSTRAP.iter().flat_map(|(name, origin)| [*name, *origin]);
    let names = names(writer, "pywasm_aliases_names", both);
    let mut table = Data::default();
    for start in names.starts {
        table.push_address(names.symbol, start);
    }
    table.push(&[0; 8]);
    writer.data("pywasm_aliases", Binding::Local, WORD, table)
}

/// A variable of C that points to something.
fn variable(writer: &mut Writer, name: &str, to: SymbolId) {
    let mut pointer = Data::default();
    pointer.push_address(to, 0);
    writer.data(name, Binding::Global, WORD, pointer);
}

struct Names {
    symbol: SymbolId,
    starts: Vec<u32>,
}

fn names<'a>(writer: &mut Writer, name: &str, texts: impl Iterator<Item = &'a str>) -> Names {
    let mut data = Data::default();
    let starts = texts.map(|text| data.push(&with_nul(text))).collect();
    Names { symbol: writer.data(name, Binding::Local, 1, data), starts }
}

fn with_nul(name: &str) -> Vec<u8> {
    name.bytes().chain([0]).collect()
}

fn word(value: usize) -> u32 {
    u32::try_from(value).expect("a wasm module is smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(built_in: Option<Vec<String>>) -> Frozen {
        let module = |name: &str, offset| Module {
            name: name.to_owned(),
            package: offset == 0,
            own: false,
            offset,
            size: 3,
        };
        let modules = vec![module("json", 0), module("json.decoder", 3)];
        Frozen { modules, built_in, code: b"abcdef".to_vec(), ..Frozen::default() }
    }

    fn symbols(frozen: &Frozen) -> Vec<(String, bool)> {
        let object = pywasm_stubs::Object::read("frozen.o", &frozen.object()).unwrap();
        object.symbols.into_iter().map(|symbol| (symbol.name, symbol.undefined)).collect()
    }

    #[test]
    fn it_wants_pythons_two_variables_and_gives_the_linker_nothing_else() {
        let frozen = frozen(None);
        let seen = symbols(&frozen);
        let seen: Vec<_> =
            seen.iter().map(|(name, undefined)| (name.as_str(), *undefined)).collect();
        assert_eq!(seen, [("Py_FrozenFlag", true), ("PyImport_FrozenModules", true)]);
        assert_eq!(frozen.object(), frozen.object());
    }

    #[test]
    fn of_a_closed_set_it_has_every_table_and_wants_the_modules_in_c_that_are_in_it() {
        let built_in = ["_io", "marshal", "sys"].map(str::to_owned).to_vec();
        let (wanted, given): (Vec<_>, Vec<_>) =
            symbols(&frozen(Some(built_in))).into_iter().partition(|(_, undefined)| *undefined);
        let names = |list: Vec<(String, bool)>| list.into_iter().map(|(name, _)| name);
        let wanted: Vec<_> = names(wanted).collect();
        assert_eq!(wanted, ["PyInit__io", "PyMarshal_Init", "Py_FrozenFlag"]);
        let given: Vec<_> = names(given).collect();
        assert_eq!(
            given,
            [
                "PyImport_FrozenModules",
                "_PyImport_FrozenBootstrap",
                "_PyImport_FrozenStdlib",
                "_PyImport_FrozenTest",
                "_PyImport_FrozenAliases",
                "_PyImport_Inittab",
                "_PyConfig_InitPathConfig",
            ]
        );
    }
}
