"""Tests of the supervision layer; `# behaviour n` marks which promise of its numbered list a test keeps."""
