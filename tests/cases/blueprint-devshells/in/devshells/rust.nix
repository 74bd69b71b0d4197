{ perSystem, inputs, ... }:
perSystem.self.base
