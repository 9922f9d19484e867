;; An unknown interface export, a reserved name, an export with a wrong type, and two methods with
;; the same name.
;; policy: ic
(module
  (func (export "canister_greet"))
  (func (export "canister_start"))
  (func (export "canister_init") (result i32) i32.const 0)
  (func (export "canister_query greet"))
  (func (export "canister_update greet")))
