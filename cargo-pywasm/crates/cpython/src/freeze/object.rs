//! The object file that contains frozen modules: their code, their tables, and a function that
//! registers the tables with Python.
//!
//! The tables follow `struct _frozen` and `struct _inittab` in CPython's `Include/cpython/import.h`
//! and `struct _module_alias` in `Include/internal/pycore_import.h`. CPython's documentation allows
//! embedders to set `PyImport_FrozenModules`.

use pywasm_stubs::{Binding, Code, Data, Member, SymbolId, ValType, Writer};

use camino::Utf8Path;

use super::{FILES_OBJECT, Frozen, Module, PACKAGES};

/// The symbols of the paths of embedded directories. They are undefined if there is no such directory.
const PACKAGES_PATH: &str = "pywasm_files_path";
const LIBRARY_PATH: &str = "pywasm_library_path";

/// The priority of the constructor, which must run before C and C++ constructors (priority 65535).
const PRIORITY: u32 = 101;
/// The alignment of the tables, which contain addresses.
const WORD: u32 = 4;

/// The `importlib` modules that CPython's C code imports, each with its name in C and its name in
/// Python.
const BOOTSTRAP: [(&str, &str); 2] = [
    ("_frozen_importlib", "importlib._bootstrap"),
    ("_frozen_importlib_external", "importlib._bootstrap_external"),
];

/// Built-in modules whose init function is not named `PyInit_NAME`, from CPython's
/// `Modules/config.c.in`. Modules with `None` need no init function, because they exist before the
/// table of built-in modules is read.
const INIT: [(&str, Option<&str>); 4] = [
    ("_warnings", Some("_PyWarnings_Init")),
    ("builtins", None),
    ("marshal", Some("PyMarshal_Init")),
    ("sys", None),
];

impl Frozen {
    /// Returns a relocatable object for wasm32. Identical modules produce identical bytes.
    ///
    /// The object for a closed set of modules replaces libpython's module tables, so it must
    /// precede libpython in the link.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let built_in = self.built_in.iter().flatten();
        let built_in: Vec<(&str, Option<SymbolId>)> =
            built_in.map(|name| (name.as_str(), init(&mut writer, name))).collect();
        let flag = writer.undefined_data("Py_FrozenFlag");

        if !self.embedded.is_empty() {
            let mut files = Data::default();
            files.push(&self.embedded.to_bytes());
            writer.data("pywasm_files", Binding::Global, WORD, files);
        }
        // Python appends this path to sys.path (Python/sysmodule.c).
        let packages = self.embedded.has(PACKAGES).then_some(PACKAGES);
        // `pywasm_start` makes this path the only one on sys.path before it.
        let library = self.library.as_deref();
        for (name, path) in [(PACKAGES_PATH, packages), (LIBRARY_PATH, library)] {
            if let Some(path) = path {
                let mut text = Data::default();
                text.push(&with_nul(path));
                writer.data(name, Binding::Global, 1, text);
            }
        }

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
        // Keeps Python from warning that it did not find its standard library.
        let start = start.address(flag).i32_const(1).store();
        let start = writer.function("pywasm_freeze", Binding::Local, &[], &[], start);
        writer.constructor(start, PRIORITY);
        writer.finish()
    }

    /// Returns an archive that contains the object, for build scripts. If there are embedded files, it
    /// also contains the object that reads them, `lib/pywasm-files.o` of the installation.
    ///
    /// # Errors
    /// When the installation's object cannot be read.
    pub fn archive(&self, lib: &Utf8Path) -> anyhow::Result<Vec<u8>> {
        let mut members = vec![Member { name: "pywasm-frozen.o".to_owned(), bytes: self.object() }];
        if !self.embedded.is_empty() {
            let bytes = fs_err::read(lib.join(FILES_OBJECT))?;
            members.push(Member { name: FILES_OBJECT.to_owned(), bytes });
        }
        Ok(pywasm_stubs::archive(&members))
    }
}

/// Returns the init function of a built-in module.
fn init(writer: &mut Writer, module: &str) -> Option<SymbolId> {
    let known = INIT.iter().find(|(name, _)| *name == module).map(|(_, function)| *function);
    let own = format!("PyInit_{module}");
    let name = known.unwrap_or(Some(&own))?;
    Some(writer.undefined_function(name, &[], &[ValType::I32]))
}

/// Writes a table of frozen modules.
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

/// Writes the table of built-in modules.
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

/// Writes a function that replaces CPython's path configuration. The original runs Python code to
/// find the standard library, but a closed set has no files. The replacement also keeps libpython's
/// `getpath.o` out of the link, like CPython's `Modules/getpath_noop.c`.
///
/// The function returns `PyStatus_Ok()`: it stores four zero words at the address in its first
/// parameter.
fn no_paths(writer: &mut Writer) {
    let words = (0..4).map(|word| word * 4).fold(Code::new(), |code, offset| {
        code.local_get(0).i32_const(offset).i32_add().i32_const(0).store()
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

/// Writes a C variable that holds a pointer.
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
    u32::try_from(value).expect("a wasm module should be smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen(built_in: Option<Vec<String>>) -> Frozen {
        let module = |name: &str, offset| Module {
            name: name.to_owned(),
            package: offset == 0,
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
    fn open_set_defines_no_symbol_and_needs_two() {
        let frozen = frozen(None);
        let seen = symbols(&frozen);
        let seen: Vec<_> =
            seen.iter().map(|(name, undefined)| (name.as_str(), *undefined)).collect();
        assert_eq!(seen, [("Py_FrozenFlag", true), ("PyImport_FrozenModules", true)]);
        assert_eq!(frozen.object(), frozen.object());
    }

    #[test]
    fn paths_of_embedded_directories_are_defined() {
        let mut frozen = frozen(None);
        let defined = |frozen: &Frozen| -> Vec<String> {
            let defined = symbols(frozen).into_iter().filter(|(_, is_undefined)| !is_undefined);
            defined.map(|(name, _)| name).collect()
        };
        let library = "/usr/local/lib/python3.13";
        frozen.library = Some(library.to_owned());
        frozen.embedded.add(library, Utf8Path::new("os.pyc"), Vec::new()).unwrap();
        assert_eq!(defined(&frozen), ["pywasm_files", LIBRARY_PATH]);
        frozen.embedded.add(PACKAGES, Utf8Path::new("app.pyc"), Vec::new()).unwrap();
        assert_eq!(defined(&frozen), ["pywasm_files", PACKAGES_PATH, LIBRARY_PATH]);
    }

    #[test]
    fn closed_set_defines_all_tables() {
        let built_in = ["_io", "marshal", "sys"].map(str::to_owned).to_vec();
        let (undefined, defined): (Vec<_>, Vec<_>) = symbols(&frozen(Some(built_in)))
            .into_iter()
            .partition(|(_, is_undefined)| *is_undefined);
        let names = |list: Vec<(String, bool)>| list.into_iter().map(|(name, _)| name);
        let undefined: Vec<_> = names(undefined).collect();
        assert_eq!(undefined, ["PyInit__io", "PyMarshal_Init", "Py_FrozenFlag"]);
        let defined: Vec<_> = names(defined).collect();
        assert_eq!(
            defined,
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
