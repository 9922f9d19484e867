;; Like command-exports.wat, but without names: the wrappers are recognized by their code.
;; policy: wasip1
(module
  (func) (func) (func (param i32) (result i32) local.get 0)
  (func (export "run") (param i32) (result i32) call 0 local.get 0 call 2 call 1)
  (func (export "stop") call 0 nop call 1))
