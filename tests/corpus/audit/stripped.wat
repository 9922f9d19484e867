;; A module without names: chains of calls consist of function indexes and exports.
;; policy: wasip1
(module
  (import "env" "dlopen" (func (param i32 i32) (result i32)))
  (func i32.const 0 i32.const 0 call 0 drop)
  (func (export "run") call 1))
