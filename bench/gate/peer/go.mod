module goldgate/bench/gate/peer

go 1.21
