//! Functions for the canister's environment: its identity, the time and costs.

use candid::Principal;

use super::Function as F;
use super::Type::{I32, I64, Word};
use crate::guest::{Answer, Guest};
use crate::mode::sets;

const COPY: &[super::Type] = &[Word, Word, Word];

/// A made-up subnet principal, because this host has no subnet.
const SUBNET: &[u8] = b"pywasm";
/// The reported number of subnet nodes. This process counts as the only node.
const NODES: u64 = 1;
const RUNNING: u64 = 1;
/// The cost of every operation on this host.
const FREE: u128 = 0;

pub(super) const FUNCTIONS: &[F] = &[
    F::new("canister_self_size", &[], Some(Word), sets::ANY, |g, _| {
        Ok(g.system().facts.id.as_slice().len() as u64)
    }),
    F::new("canister_self_copy", COPY, None, sets::ANY, |g, a| {
        let id = g.system().facts.id;
        g.copy(a[0], a[1], a[2], id.as_slice())
    }),
    F::new("canister_status", &[], Some(I32), sets::ANY, |_, _| Ok(RUNNING)),
    F::new("canister_version", &[], Some(I64), sets::ANY, |g, _| Ok(g.system().durable.version)),
    F::new("subnet_self_size", &[], Some(Word), sets::ANY, |_, _| Ok(SUBNET.len() as u64)),
    F::new("subnet_self_copy", COPY, None, sets::ANY, |g, a| g.copy(a[0], a[1], a[2], SUBNET)),
    F::new("subnet_self_node_count", &[], Some(I32), sets::ANY, |_, _| Ok(NODES)),
    // The root key is empty, because this host does not sign anything.
    F::new("root_key_size", &[], Some(Word), sets::BURN, |_, _| Ok(0)),
    F::new("root_key_copy", COPY, None, sets::BURN, |g, a| g.copy(a[0], a[1], a[2], &[])),
    F::new("time", &[], Some(I64), sets::ANY, |g, _| Ok(g.system().facts.time)),
    F::new("performance_counter", &[I32], Some(I64), sets::ALWAYS, |g, a| match a[0] {
        0 => Ok(g.fuel_used()),
        1 => Ok(g.system().facts.fuel_before + g.fuel_used()),
        other => Err(format!("unknown performance counter {other}: only 0 and 1 exist")),
    }),
    F::new("is_controller", &[Word, Word], Some(I32), sets::ALWAYS, |g, a| {
        let bytes = g.read(a[0], a[1])?;
        let principal = Principal::try_from_slice(&bytes)
            .map_err(|_| format!("the principal is invalid: it is {} bytes long", bytes.len()))?;
        Ok(g.system().facts.controllers.contains(&principal).into())
    }),
    F::new("in_replicated_execution", &[], Some(I32), sets::ALWAYS, |g, _| {
        Ok(g.system().mode.is_replicated().into())
    }),
    F::new("cost_call", &[I64, I64, Word], None, sets::ALWAYS, |g, a| g.write_cycles(a[2], FREE)),
    F::new("cost_create_canister", &[Word], None, sets::ALWAYS, |g, a| g.write_cycles(a[0], FREE)),
    F::new("cost_http_request", &[I64, I64, Word], None, sets::ALWAYS, |g, a| {
        g.write_cycles(a[2], FREE)
    }),
    F::new("cost_http_request_v2", &[Word, Word, Word], None, sets::ALWAYS, |g, a| {
        g.write_cycles(a[2], FREE)
    }),
    F::new("cost_sign_with_ecdsa", &[Word, Word, I32, Word], Some(I32), sets::ALWAYS, signature),
    F::new("cost_sign_with_schnorr", &[Word, Word, I32, Word], Some(I32), sets::ALWAYS, signature),
    F::new("cost_vetkd_derive_key", &[Word, Word, I32, Word], Some(I32), sets::ALWAYS, signature),
    F::new("env_var_count", &[], Some(Word), sets::ANY, |_, _| Ok(0)),
    F::new("env_var_name_size", &[Word], Some(Word), sets::ANY, |_, a| no_variable(a[0])),
    F::new("env_var_name_copy", &[Word; 4], None, sets::ANY, |_, a| no_variable(a[0])),
    F::new("env_var_name_exists", &[Word, Word], Some(I32), sets::ANY, |g, a| {
        g.text(a[0], a[1]).map(|_| 0)
    }),
    F::new("env_var_value_size", &[Word, Word], Some(Word), sets::ANY, unset),
    F::new("env_var_value_copy", &[Word; 5], None, sets::ANY, unset),
    F::new("debug_print", &[Word, Word], None, sets::ALWAYS, |g, a| {
        let text = g.text(a[0], a[1])?;
        g.system().debug.push(text);
        Ok(0)
    }),
    // `Function::call` implements `trap`, because `trap` ends the message.
    F::new("trap", &[Word, Word], None, sets::ALWAYS, |_, _| Ok(0)),
];

fn signature(g: &mut Guest<'_, '_>, a: &[u64]) -> Answer {
    g.write_cycles(a[3], FREE)
}

fn no_variable(index: u64) -> Answer {
    Err(format!("there is no environment variable {index}: this host has none"))
}

fn unset(g: &mut Guest<'_, '_>, a: &[u64]) -> Answer {
    let name = g.text(a[0], a[1])?;
    Err(format!("there is no environment variable `{name}`: this host has none"))
}
