using System.Runtime.InteropServices;

namespace OnnxEff.Runtime;

/// <summary>Owns one object of the C API and releases it once. A parent stays alive as long as its children.</summary>
sealed unsafe class OrtHandle : SafeHandle
{
    readonly delegate* unmanaged<nint, void> release;
    readonly SafeHandle? parent;

    /// <param name="value">The native object; ownership moves here.</param>
    /// <param name="release">Its release function.</param>
    /// <param name="parent">What must outlive it, for example the session of a binding or the memory of a tensor.</param>
    public OrtHandle(nint value, delegate* unmanaged<nint, void> release, SafeHandle? parent = null)
        : base(0, ownsHandle: true)
    {
        this.release = release;
        this.parent = parent;
        SetHandle(value);
        var added = false;
        parent?.DangerousAddRef(ref added);
    }

    /// <inheritdoc/>
    public override bool IsInvalid => handle == 0;

    /// <summary>The native pointer.</summary>
    /// <exception cref="ObjectDisposedException">It was released.</exception>
    public nint Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle()
    {
        release(handle);
        parent?.DangerousRelease();
        return true;
    }
}
