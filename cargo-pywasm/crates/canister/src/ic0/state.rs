//! Functions for the state that is kept between messages: stable memory, certified data, the timer
//! and cycles.

use super::Function as F;
use super::Type::{I32, I64, Word};
use super::call::in_64_bits;
use crate::guest::{Answer, Guest};
use crate::mode::sets;

/// The number of pages that the 32-bit functions can address.
const PAGES_32: u64 = 1 << 16;

/// The maximum size of certified data in bytes. Source: the interface specification, "Certified
/// data".
const MAX_CERTIFIED: u64 = 32;

pub(super) const FUNCTIONS: &[F] = &[
    F::new("stable64_size", &[], Some(I64), sets::ALWAYS, |g, _| {
        Ok(g.system().durable.stable.size())
    }),
    F::new("stable64_grow", &[I64], Some(I64), sets::ALWAYS, |g, a| {
        let system = g.system();
        let before = system.durable.stable.grow(a[0], system.facts.stable_limit);
        Ok(before.unwrap_or(u64::MAX))
    }),
    F::new("stable64_read", &[I64, I64, I64], None, sets::ALWAYS, |g, a| {
        g.stable_read(a[0], a[1], a[2])
    }),
    F::new("stable64_write", &[I64, I64, I64], None, sets::ALWAYS, |g, a| {
        g.stable_write(a[0], a[1], a[2])
    }),
    F::new("stable_size", &[], Some(I32), sets::ANY, |g, _| small(g)),
    F::new("stable_grow", &[I32], Some(I32), sets::ANY, |g, a| {
        small(g)?;
        let system = g.system();
        let max = system.facts.stable_limit.min(PAGES_32);
        Ok(system.durable.stable.grow(a[0], max).unwrap_or(u64::MAX))
    }),
    F::new("stable_read", &[I32, I32, I32], None, sets::ANY, |g, a| {
        small(g)?;
        g.stable_read(a[0], a[1], a[2])
    }),
    F::new("stable_write", &[I32, I32, I32], None, sets::ANY, |g, a| {
        small(g)?;
        g.stable_write(a[0], a[1], a[2])
    }),
    F::new("certified_data_set", &[Word, Word], None, sets::CERTIFY, |g, a| {
        if a[1] > MAX_CERTIFIED {
            return Err(format!("certified data must not exceed {MAX_CERTIFIED} bytes"));
        }
        g.system().durable.certified = g.read(a[0], a[1])?;
        Ok(0)
    }),
    F::new("data_certificate_present", &[], Some(I32), sets::ANY, |_, _| Ok(0)),
    F::new("data_certificate_size", &[], Some(Word), sets::CERTIFICATE, |_, _| no_certificate()),
    F::new("data_certificate_copy", &[Word, Word, Word], None, sets::CERTIFICATE, |_, _| {
        no_certificate()
    }),
    F::new("global_timer_set", &[I64], Some(I64), sets::TIMER, |g, a| {
        Ok(std::mem::replace(&mut g.system().durable.timer, a[0]))
    }),
    F::new("canister_cycle_balance", &[], Some(I64), sets::ANY, |g, _| {
        in_64_bits(g.system().durable.cycles)
    }),
    F::new("canister_cycle_balance128", &[Word], None, sets::ANY, |g, a| balance(g, a[0])),
    F::new("canister_liquid_cycle_balance128", &[Word], None, sets::ANY, |g, a| balance(g, a[0])),
    F::new("cycles_burn128", &[I64, I64, Word], None, sets::BURN, |g, a| {
        let requested = u128::from(a[0]) << 64 | u128::from(a[1]);
        let system = g.system();
        let burned = requested.min(system.durable.cycles);
        system.durable.cycles -= burned;
        g.write_cycles(a[2], burned)
    }),
];

/// Returns the size of the stable memory, if the 32-bit functions can address all of it.
fn small(g: &mut Guest<'_, '_>) -> Answer {
    match g.system().durable.stable.size() {
        size if size <= PAGES_32 => Ok(size),
        _ => Err("stable memory is larger than 4 GiB: use the stable64 functions".to_owned()),
    }
}

fn balance(g: &mut Guest<'_, '_>, to: u64) -> Answer {
    let cycles = g.system().durable.cycles;
    g.write_cycles(to, cycles)
}

fn no_certificate() -> Answer {
    Err("there is no certificate: this host does not certify data".to_owned())
}
