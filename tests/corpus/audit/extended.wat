;; A policy that extends another one keeps its rules and can deny imports of any kind. Exports and
;; tables use imports, too.
;; policy: extended.toml
(module
  (import "env" "memory" (memory 1))
  (import "env" "shown" (func $shown))
  (import "env" "held" (func $held))
  (table 1 funcref)
  (elem (i32.const 0) $held)
  (export "memory" (memory 0))
  (export "shown" (func $shown))
  (func (export "canister_foo")))
