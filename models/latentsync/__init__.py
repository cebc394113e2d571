"""LatentSync 1.6: lip-sync by latent diffusion, resident on its GPU."""
