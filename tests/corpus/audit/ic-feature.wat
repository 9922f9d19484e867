;; Tail calls, a proposal that the replica does not support.
;; policy: ic
(module
  (func $a return_call $a))
