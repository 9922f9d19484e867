//! How much Candid may be at most, so that whatever anyone wrote ends in an answer or an error.
//!
//! candid_parser calls itself for each type in a type and each name that a type names, looks for the
//! end of the line at each token, and follows names anew for each definition.

use std::collections::HashMap;

use candid_parser::IDLProg;
use candid_parser::syntax::{Dec, IDLType};

/// Bytes of a text. An interface in a module's metadata has to be smaller.
///
/// Source: dfinity/ic, rs/config/src/embedders.rs: 1 MiB of `icp:` sections, all together.
pub(super) const MOST_TEXT: usize = 1 << 20;
/// Bytes of a line.
const MOST_LINE: usize = 64 << 10;
/// Types in types, and names of names. Interfaces of people have ten levels.
const DEEPEST: usize = 500;
/// Definitions of types: those that lead from one to the next are compared to the last, again and
/// again.
const MOST_DEFINITIONS: usize = 5_000;
/// Arguments of a function, and results.
const MOST_ARGUMENTS: usize = 100;
/// A text of this length has 250,000 levels at most, each of some hundred bytes of stack. Pages that
/// are never touched cost nothing.
const STACK: usize = 256 << 20;

/// Runs what calls itself for each level of an interface.
pub(super) fn deep<T>(run: impl FnOnce() -> T) -> T {
    stacker::grow(STACK, run)
}

/// Whether a text is one to read.
///
/// # Errors
/// When it is too long, or nested too deep.
pub(super) fn text(source: &str, what: &str) -> anyhow::Result<()> {
    anyhow::ensure!(source.len() <= MOST_TEXT, "{what} is larger than {MOST_TEXT} bytes");
    anyhow::ensure!(nesting(source) <= DEEPEST, "{what} is nested more than {DEEPEST} times");
    let long = source.lines().position(|line| line.len() > MOST_LINE);
    if let Some(number) = long {
        anyhow::bail!("line {} of {what} is longer than {MOST_LINE} bytes", number + 1);
    }
    Ok(())
}

/// Whether an interface is one to check.
///
/// # Errors
/// When it has too many definitions, a name leads to no type by too many others, or a function has too many arguments.
pub(super) fn program(program: &IDLProg) -> anyhow::Result<()> {
    let count = program.decs.len();
    anyhow::ensure!(
        count <= MOST_DEFINITIONS,
        "it has {count} definitions, and {MOST_DEFINITIONS} are the most"
    );
    let mut aliases = HashMap::new();
    for dec in &program.decs {
        let Dec::TypD(definition) = dec else { continue };
        functions(&definition.typ)?;
        if let IDLType::VarT(other) = &definition.typ {
            aliases.insert(definition.id.as_str(), other.as_str());
        }
    }
    if let Some(actor) = &program.actor {
        functions(&actor.typ)?;
    }
    for name in aliases.keys() {
        let mut at = *name;
        let chain = std::iter::from_fn(|| {
            at = aliases.get(at)?;
            Some(())
        });
        let long = chain.take(DEEPEST + 1).count() > DEEPEST;
        anyhow::ensure!(
            !long,
            "more than {DEEPEST} names lead from one to the next, and to no type"
        );
    }
    Ok(())
}

/// Whether the functions in a type have not too many arguments; of each method they are kept.
fn functions(ty: &IDLType) -> anyhow::Result<()> {
    match ty {
        IDLType::PrimT(_) | IDLType::VarT(_) | IDLType::PrincipalT => Ok(()),
        IDLType::OptT(ty) | IDLType::VecT(ty) => functions(ty),
        IDLType::RecordT(fields) | IDLType::VariantT(fields) => {
            fields.iter().try_for_each(|field| functions(&field.typ))
        }
        IDLType::ServT(methods) => methods.iter().try_for_each(|method| functions(&method.typ)),
        IDLType::ClassT(args, service) => {
            args.iter().try_for_each(|arg| functions(&arg.typ))?;
            functions(service)
        }
        IDLType::FuncT(function) => {
            let most = function.args.len().max(function.rets.len());
            anyhow::ensure!(
                most <= MOST_ARGUMENTS,
                "a function has {most} arguments or results, and {MOST_ARGUMENTS} are the most"
            );
            function.args.iter().chain(&function.rets).try_for_each(|arg| functions(&arg.typ))
        }
    }
}

/// How deep types or values are in each other, or more: whoever walks through them later calls itself
/// for each, and anyone may have written the text.
fn nesting(source: &str) -> usize {
    let (mut brackets, mut words, mut most) = (0_usize, 0, 0);
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
        most = most.max(brackets + words);
    }
    most
}
