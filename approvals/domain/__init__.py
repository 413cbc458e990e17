"""What a certificate needs: the policy's line, the packet, who may judge. Pure."""
