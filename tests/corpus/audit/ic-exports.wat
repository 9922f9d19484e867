;; An unknown name of the interface, one that the system keeps, one of the wrong type, two methods of
;; one name.
;; policy: ic
(module
  (func (export "canister_greet"))
  (func (export "canister_start"))
  (func (export "canister_init") (result i32) i32.const 0)
  (func (export "canister_query greet"))
  (func (export "canister_update greet")))
