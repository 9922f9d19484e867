//! The object that is linked: code, a table of it, and a function that hands the table to Python.
//!
//! Source of the table's form: `struct _frozen` in CPython's `Include/cpython/import.h`; that an
//! embedder may set `PyImport_FrozenModules`: the documentation of that variable.

use pywasm_stubs::{Binding, Code, Data, Instruction, Writer};

use super::Frozen;

/// Before the constructors of C and C++, which are called with 65535.
const PRIORITY: u32 = 101;
/// Code is read byte by byte; addresses in the table are words.
const WORD: u32 = 4;

impl Frozen {
    /// A relocatable object for wasm32. The same modules give the same bytes.
    #[must_use]
    pub fn object(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let modules = writer.undefined_data("PyImport_FrozenModules");
        let flag = writer.undefined_data("Py_FrozenFlag");

        let mut code = Data::default();
        code.push(&self.code);
        let code = writer.data("pywasm_frozen_code", Binding::Local, 1, code);
        let mut names = Data::default();
        let starts: Vec<u32> =
            self.modules.iter().map(|module| names.push(&with_nul(&module.name))).collect();
        let names = writer.data("pywasm_frozen_names", Binding::Local, 1, names);

        let mut table = Data::default();
        for (module, start) in self.modules.iter().zip(starts) {
            table.push_address(names, start);
            table.push_address(code, word(module.offset));
            table.push(&word(module.size).to_le_bytes());
            table.push(&u32::from(module.package).to_le_bytes());
        }
        table.push(&[0; 16]);
        let table = writer.data("pywasm_frozen", Binding::Local, WORD, table);

        let start = Code::new()
            .address(modules)
            .address(table)
            .store()
            // Python does not look for its library, and says nothing of not having found it.
            .address(flag)
            .then(&Instruction::I32Const(1))
            .store();
        let start = writer.function("pywasm_freeze", Binding::Local, &[], &[], start);
        writer.call_at_start(start, PRIORITY);
        writer.finish()
    }
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
    use crate::freeze::Module;

    #[test]
    fn it_wants_pythons_two_variables_and_gives_the_linker_nothing_else() {
        let module = |name: &str, offset| Module {
            name: name.to_owned(),
            package: offset == 0,
            own: false,
            offset,
            size: 3,
        };
        let frozen = Frozen {
            modules: vec![module("json", 0), module("json.decoder", 3)],
            code: b"abcdef".to_vec(),
            ..Frozen::default()
        };
        let object = pywasm_stubs::Object::read("frozen.o", &frozen.object()).unwrap();
        let seen: Vec<_> =
            object.symbols.iter().map(|symbol| (&*symbol.name, symbol.undefined)).collect();
        assert_eq!(seen, [("PyImport_FrozenModules", true), ("Py_FrozenFlag", true)]);
        assert_eq!(frozen.object(), frozen.object());
    }
}
