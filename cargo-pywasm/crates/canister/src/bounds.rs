//! Limits on Candid text, which guarantee that parsing any input returns a result or an error.
//!
//! Without limits, candid_parser could overflow the stack or take a very long time: it recurses for
//! each nested type and each referenced name, searches for the end of the line at each token, and
//! resolves names again for each definition.

use std::collections::HashMap;

use candid_parser::IDLProg;
use candid_parser::syntax::{Dec, IDLType};

/// The maximum size of Candid text in bytes. An interface in a module's metadata cannot be larger,
/// because the Internet Computer limits all `icp:` sections of a module to 1 MiB in total.
///
/// Source: dfinity/ic, rs/config/src/embedders.rs.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// The maximum length of a line in bytes.
const MAX_LINE: usize = 64 << 10;
/// The maximum nesting depth of types within a definition, and the maximum length of a chain of
/// type names. Types in real interfaces are nested about ten levels deep.
const MAX_DEPTH: usize = 500;
/// The maximum number of type definitions. Resolving a chain of definitions takes quadratic time.
const MAX_DEFINITIONS: usize = 5_000;
/// The maximum number of arguments of a function. The same limit applies to its results.
const MAX_ARGUMENTS: usize = 100;
/// The size of the stack in bytes. Definitions that refer to each other can be nested more than
/// [`MAX_DEPTH`] levels deep in total. Candid text of the maximum size can have about 250,000
/// levels, each of which needs several hundred bytes of stack. Untouched pages cost nothing.
const STACK: usize = 256 << 20;

/// Runs a function that recurses for each level of an interface, on a stack of [`STACK`] bytes.
pub(super) fn with_deep_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::grow(STACK, run)
}

/// Checks that a text is within the limits, before it is parsed.
///
/// # Errors
/// When the text is too long or too deeply nested.
pub(super) fn check_text(source: &str, what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(source.len() <= MAX_TEXT, "{what} is larger than {MAX_TEXT} bytes");
    anyhow::ensure!(
        nesting(source) <= MAX_DEPTH,
        "{what} is nested more than {MAX_DEPTH} levels deep"
    );
    let long = source.lines().position(|line| line.len() > MAX_LINE);
    if let Some(number) = long {
        anyhow::bail!("line {} of {what} is longer than {MAX_LINE} bytes", number + 1);
    }
    Ok(())
}

/// Checks that an interface is within the limits, before its types are resolved.
///
/// # Errors
/// When the interface has too many definitions, a chain of names that is too long, or a function
/// with too many arguments or results.
pub(super) fn check_program(program: &IDLProg) -> anyhow::Result<()> {
    let count = program.decs.len();
    anyhow::ensure!(
        count <= MAX_DEFINITIONS,
        "it has {count} definitions, but the limit is {MAX_DEFINITIONS}"
    );
    let mut aliases = HashMap::new();
    for dec in &program.decs {
        let Dec::TypD(definition) = dec else { continue };
        check_functions(&definition.typ)?;
        if let IDLType::VarT(other) = &definition.typ {
            aliases.insert(definition.id.as_str(), other.as_str());
        }
    }
    if let Some(actor) = &program.actor {
        check_functions(&actor.typ)?;
    }
    for name in aliases.keys() {
        let mut at = *name;
        let chain = std::iter::from_fn(|| {
            at = aliases.get(at)?;
            Some(())
        });
        let long = chain.take(MAX_DEPTH + 1).count() > MAX_DEPTH;
        anyhow::ensure!(!long, "type aliases form a chain of more than {MAX_DEPTH} names");
    }
    Ok(())
}

/// Checks the number of arguments and results of each function in a type.
fn check_functions(ty: &IDLType) -> anyhow::Result<()> {
    match ty {
        IDLType::PrimT(_) | IDLType::VarT(_) | IDLType::PrincipalT => Ok(()),
        IDLType::OptT(ty) | IDLType::VecT(ty) => check_functions(ty),
        IDLType::RecordT(fields) | IDLType::VariantT(fields) => {
            fields.iter().try_for_each(|field| check_functions(&field.typ))
        }
        IDLType::ServT(methods) => {
            methods.iter().try_for_each(|method| check_functions(&method.typ))
        }
        IDLType::ClassT(args, service) => {
            args.iter().try_for_each(|arg| check_functions(&arg.typ))?;
            check_functions(service)
        }
        IDLType::FuncT(function) => {
            let count = function.args.len().max(function.rets.len());
            anyhow::ensure!(
                count <= MAX_ARGUMENTS,
                "a function has {count} arguments or results, but the limit is {MAX_ARGUMENTS}"
            );
            function.args.iter().chain(&function.rets).try_for_each(|arg| check_functions(&arg.typ))
        }
    }
}

/// Returns an upper bound on the nesting depth of types or values. Parsers recurse once per level.
fn nesting(source: &str) -> usize {
    let (mut brackets, mut words, mut max) = (0_usize, 0, 0);
    for token in source.split_inclusive(|it: char| !it.is_alphanumeric() && it != '_') {
        let word = token.trim_end_matches(|it: char| !it.is_alphanumeric() && it != '_');
        if matches!(word, "opt" | "vec") {
            words += 1;
        }
        match token.chars().next_back() {
            Some('(' | '{') => brackets += 1,
            Some(')' | '}') => (brackets, words) = (brackets.saturating_sub(1), 0),
            Some(';' | ',') => words = 0,
            _ => {}
        }
        max = max.max(brackets + words);
    }
    max
}
