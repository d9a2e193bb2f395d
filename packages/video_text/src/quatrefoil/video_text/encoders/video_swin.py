"""Video Swin (Liu et al. 2021, arXiv 2106.13230): the shifted windows of core over time, height and width.

Legend: B clips, C channels, F frames, H W pixels, D width.
"""

from quatrefoil.core.nn.swin import SwinConfig

# RGB, of ImageNet, on a scale of 0 to 1: what Video Swin's weights were trained with.
PIXEL_MEAN = (0.485, 0.456, 0.406)
PIXEL_STD = (0.229, 0.224, 0.225)


def video_swin(
    width: int,
    depths: tuple[int, ...],
    heads: tuple[int, ...],
    *,
    window: tuple[int, int, int] = (8, 7, 7),
    drop_path: float = 0.0,
    mask_token: bool = False,
) -> SwinConfig:
    """A Video Swin of (B, 3, F, H, W): patches of 2 frames x 4 x 4 pixels, and merging over space only.

    An odd number of frames is padded with one of zeros; tokens are (B, ceil(F / 2), ceil(H / 32), ceil(W / 32), D) for
    four stages. For a mask of blocks that is the same in all frames, (B, h, w), pass `masked[:, None]`.
    """
    return SwinConfig(
        in_channels=3,
        patch=(2, 4, 4),
        width=width,
        depths=depths,
        heads=heads,
        window=window,
        merged=(1, 2),
        drop_path=drop_path,
        mask_token=mask_token,
    )


VIDEO_SWIN_T = video_swin(96, (2, 2, 6, 2), (3, 6, 12, 24), drop_path=0.1)  # the rate is torchvision's, for swin3d_t
VIDEO_SWIN_B = video_swin(128, (2, 2, 18, 2), (4, 8, 16, 32), drop_path=0.3)  # sizes and rate of Clover's code
