"""Pure decisions: which platforms, which ancestors, whether a layer is what it claims."""
