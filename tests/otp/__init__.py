"""Tests of the supervision layer. `# behaviour n` marks the promise a test keeps, as the layer's list numbers them."""
