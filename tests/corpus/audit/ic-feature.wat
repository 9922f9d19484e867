;; Tail calls are a proposal that the replica does not have.
;; policy: ic
(module
  (func $a return_call $a))
