//! Functions for calls to canisters, and for the cycles that are attached to calls.

use super::Function as F;
use super::Type::{I32, I64, Word};
use crate::guest::{Answer, Guest};
use crate::mode::sets;
use crate::system::{Call, Callback};

/// The maximum number of outstanding calls. If there are more, `call_perform` returns an error.
const MAX_CALLS: usize = 500;

/// The reject code SYS_TRANSIENT. Source: the interface specification, "Reject codes".
const TRANSIENT: u64 = 2;

/// The maximum size of a call's argument in bytes. Source: "Resource limits" in the Internet
/// Computer documentation, for a request on the same subnet.
const MAX_ARGUMENT: usize = 10 << 20;

pub(super) const FUNCTIONS: &[F] = &[
    F::new("call_new", &[Word; 8], None, sets::CALL, begin),
    F::new("call_on_cleanup", &[Word, Word], None, sets::CALL, |g, a| {
        let call = g.call()?;
        if call.cleanup.is_some() {
            return Err("the call already has a cleanup callback".to_owned());
        }
        call.cleanup = Some(Callback { function: a[0], env: a[1] });
        Ok(0)
    }),
    F::new("call_data_append", &[Word, Word], None, sets::CALL, |g, a| {
        g.call()?;
        let bytes = g.read(a[0], a[1])?;
        let argument = &mut g.call()?.argument;
        if argument.len() + bytes.len() > MAX_ARGUMENT {
            return Err(format!("the argument of a call must not exceed {MAX_ARGUMENT} bytes"));
        }
        argument.extend_from_slice(&bytes);
        Ok(0)
    }),
    F::new("call_with_best_effort_response", &[I32], None, sets::CALL, |g, _| g.call().map(|_| 0)),
    F::new("call_cycles_add", &[I64], None, sets::CYCLES_OUT, |g, a| add(g, a[0].into())),
    F::new("call_cycles_add128", &[I64, I64], None, sets::CYCLES_OUT, |g, a| {
        add(g, u128::from(a[0]) << 64 | u128::from(a[1]))
    }),
    F::new("call_perform", &[], Some(I32), sets::CALL, |g, _| {
        g.call()?;
        let system = g.system();
        let Some(call) = system.call.take() else { return Ok(TRANSIENT) };
        if system.calls.len() >= MAX_CALLS {
            system.durable.cycles += call.cycles;
            return Ok(TRANSIENT);
        }
        system.calls.push(call);
        Ok(0)
    }),
];

fn begin(g: &mut Guest<'_, '_>, a: &[u64]) -> Answer {
    let call = Call {
        callee: g.read(a[0], a[1])?,
        method: g.read(a[2], a[3])?,
        reply: Callback { function: a[4], env: a[5] },
        reject: Callback { function: a[6], env: a[7] },
        cleanup: None,
        argument: Vec::new(),
        cycles: 0,
    };
    if call.callee.len() > 29 {
        return Err(format!(
            "the callee is not a principal: it is {} bytes long",
            call.callee.len()
        ));
    }
    let system = g.system();
    // If the previous call was never performed, its cycles are returned to the canister.
    if let Some(old) = system.call.replace(call) {
        system.durable.cycles += old.cycles;
    }
    Ok(0)
}

fn add(g: &mut Guest<'_, '_>, cycles: u128) -> Answer {
    g.call()?;
    let system = g.system();
    let Some(rest) = system.durable.cycles.checked_sub(cycles) else {
        return Err(format!(
            "cannot attach {cycles} cycles: the canister has only {}",
            system.durable.cycles
        ));
    };
    system.durable.cycles = rest;
    g.call()?.cycles += cycles;
    Ok(0)
}

/// Converts a number of cycles to 64 bits, for the 64-bit functions.
pub(super) fn in_64_bits(cycles: u128) -> Answer {
    u64::try_from(cycles).map_err(|_| format!("{cycles} cycles do not fit in 64 bits"))
}
