"""The speech engine Qwen3-TTS: a saved voice, a built-in speaker or a described one says the script."""
